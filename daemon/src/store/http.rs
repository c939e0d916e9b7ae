//! Requests to hubs and to whatever they redirect to.

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

use ureq::http::{HeaderMap, StatusCode, Uri, header};

/// How long a server may take to accept a connection, and to go on with an answer.
const CONNECT: Duration = Duration::from_secs(15);
const READ: Duration = Duration::from_secs(30);

/// A redirect followed by this many others leads nowhere.
const MAX_REDIRECTS: usize = 10;

/// The most bytes of an answer that is read whole: a list of files.
const MAX_WHOLE_BYTES: u64 = 16 * 1024 * 1024;

/// Why an answer could not be had. Each names where it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The server could not be reached, or the connection broke.
    #[error(
        "{host} cannot be reached: {problem}; a mirror or proxy may help, see `gted pull --help`"
    )]
    Unreachable {
        /// The server.
        host: String,
        /// What happened.
        problem: String,
    },
    /// It is not there.
    #[error("{url} is not there (404)")]
    NotFound {
        /// What was asked for.
        url: String,
    },
    /// The hub wants to know who asks.
    #[error(
        "{0} may not be read without permission (401 or 403), or there is no such repository; a token is taken from HF_TOKEN or MODELSCOPE_API_TOKEN"
    )]
    Unauthorized(String),
    /// The hub has had enough for now.
    #[error("{host} takes no more requests for now ({status}); try again {}", when(retry_after.as_deref()))]
    TooMany {
        /// The server.
        host: String,
        /// 429 or 503.
        status: u16,
        /// When it may be asked again, as it says.
        retry_after: Option<String>,
    },
    /// Another status.
    #[error("{url} cannot be had: the server answers {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// The status.
        status: u16,
    },
    /// One redirect after the other.
    #[error("{0} is redirected without end")]
    RedirectLoop(String),
    /// A page for people where a file was expected.
    #[error("{0} is a web page and no file; is there a login or a proxy in between?")]
    WebPage(String),
    /// The answer is not of the form that the hub is known for.
    #[error("{host} answers in an unknown form: {problem}")]
    Form {
        /// The server.
        host: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// `Retry-After` in words; it is a number of seconds or a date.
fn when(retry_after: Option<&str>) -> String {
    match retry_after {
        None => "later".to_owned(),
        Some(seconds) if seconds.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("after {seconds} s")
        }
        Some(date) => format!("after {date}"),
    }
}

/// Where a redirect is to be followed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redirects {
    Follow,
    /// The hub's own answer is wanted, not that of a server it redirects to: its headers say what the
    /// file is.
    Keep,
}

/// A hub's client.
pub(super) struct Http {
    agent: ureq::Agent,
    /// Sent to the hub alone, never to where it redirects.
    token: Option<String>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").finish_non_exhaustive()
    }
}

/// A server's answer: its headers, and its body still to be read.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Box<dyn Read>,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Http {
    /// Proxies are those of the usual variables.
    pub(super) fn new(token: Option<String>) -> Self {
        let config = ureq::Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_per_read(Some(READ))
            // Sizes and ranges are those of the file, not of a compressed form.
            .accept_encoding("identity")
            .user_agent(concat!("gted/", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            agent: config.new_agent(),
            token: token.filter(|token| !token.is_empty()),
        }
    }

    /// The headers of a file.
    pub(super) fn head(&self, url: &str, redirects: Redirects) -> Result<Answer, HttpError> {
        self.request(true, url, None, redirects)
    }

    /// A file from a byte on.
    pub(super) fn get(&self, url: &str, from: u64) -> Result<Answer, HttpError> {
        self.request(false, url, (from > 0).then_some(from), Redirects::Follow)
    }

    /// A short answer as a whole.
    pub(super) fn get_whole(&self, url: &str) -> Result<Vec<u8>, HttpError> {
        let answer = self.get(url, 0)?;
        let mut whole = Vec::new();
        let read = answer.body.take(MAX_WHOLE_BYTES).read_to_end(&mut whole);
        read.map_err(|error| unreachable_host(url, &error))?;
        Ok(whole)
    }

    fn request(
        &self,
        head: bool,
        url: &str,
        from: Option<u64>,
        redirects: Redirects,
    ) -> Result<Answer, HttpError> {
        let mut at = url.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let mut request = if head {
                self.agent.head(&at)
            } else {
                self.agent.get(&at)
            };
            if let Some(from) = from {
                request = request.header(header::RANGE, format!("bytes={from}-"));
            }
            if let Some(token) = self.token.as_ref().filter(|_| same_host(url, &at)) {
                request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            }
            let response = request
                .call()
                .map_err(|error| unreachable_host(&at, &error))?;
            let (parts, body) = response.into_parts();
            let answer = Answer {
                status: parts.status,
                headers: parts.headers,
                body: Box::new(body.into_reader()),
            };
            if !answer.status.is_redirection() {
                return checked(url, &at, answer);
            }
            let location = answer.header("location").unwrap_or_default();
            let to = resolve(&at, location).ok_or_else(|| HttpError::Form {
                host: host(&at),
                problem: "a redirect without a place to go".to_owned(),
            })?;
            // A redirect that says what the file is, or leads away, is the hub's answer; another one is
            // a repository's new name.
            let tells = ["etag", "x-linked-etag"]
                .iter()
                .any(|name| answer.headers.contains_key(*name));
            if redirects == Redirects::Keep && (tells || !same_host(&at, &to)) {
                return Ok(answer);
            }
            at = to;
        }
        Err(HttpError::RedirectLoop(shown(url)))
    }
}

/// A connection that broke while a body was read.
pub(super) fn broken(url: &str, error: &io::Error) -> HttpError {
    unreachable_host(url, error)
}

fn unreachable_host(url: &str, problem: &impl fmt::Display) -> HttpError {
    HttpError::Unreachable {
        host: host(url),
        problem: problem.to_string(),
    }
}

/// An answer that is no redirect, at `at`, to a request for `url`.
fn checked(url: &str, at: &str, answer: Answer) -> Result<Answer, HttpError> {
    let web_page = || {
        let kind = answer.header("content-type").unwrap_or_default();
        kind.starts_with("text/html")
    };
    let retry_after = || answer.header("retry-after").map(str::to_owned);
    match answer.status.as_u16() {
        200 | 206 if web_page() => Err(HttpError::WebPage(shown(url))),
        // 416: the part that was asked for is not there, which the caller knows what to do about.
        200 | 206 | 416 => Ok(answer),
        404 => Err(HttpError::NotFound { url: shown(url) }),
        401 | 403 => Err(HttpError::Unauthorized(shown(url))),
        status @ (429 | 503) => Err(HttpError::TooMany {
            host: host(at),
            status,
            retry_after: retry_after(),
        }),
        status => Err(HttpError::Status {
            url: shown(url),
            status,
        }),
    }
}

/// An address as it is shown: without a password in it.
fn shown(url: &str) -> String {
    match (url.split_once("://"), url.split_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        _ => url.to_owned(),
    }
}

/// Scheme, host and port of a URL.
fn origin(url: &str) -> Option<(String, String)> {
    let uri: Uri = url.parse().ok()?;
    Some((uri.scheme_str()?.to_owned(), uri.authority()?.to_string()))
}

fn host(url: &str) -> String {
    match origin(url) {
        Some((_, host)) => host.rsplit('@').next().unwrap_or_default().to_owned(),
        None => shown(url),
    }
}

fn same_host(one: &str, other: &str) -> bool {
    origin(one).is_some_and(|one| Some(one) == origin(other))
}

/// A redirect's target, which may be given relative to the server.
fn resolve(from: &str, location: &str) -> Option<String> {
    if location.starts_with("http://") || location.starts_with("https://") {
        return Some(location.to_owned());
    }
    let (scheme, authority) = origin(from)?;
    location
        .starts_with('/')
        .then(|| format!("{scheme}://{authority}{location}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_for_its_own_host_and_port() {
        assert!(same_host("https://hub.example/a", "https://hub.example/b"));
        assert!(!same_host("https://hub.example/a", "https://cdn.example/a"));
        assert!(!same_host("https://hub.example/a", "http://hub.example/a"));
        assert!(!same_host("http://127.0.0.1:1/a", "http://127.0.0.1:2/a"));
    }

    #[test]
    fn addresses_are_shown_without_secrets() {
        let url = "https://me:secret@hub.example/a/b";
        assert_eq!(shown(url), "https://hub.example/a/b");
        assert_eq!(host(url), "hub.example");
    }

    #[test]
    fn retry_after_is_a_number_or_a_date() {
        assert_eq!(when(Some("17")), "after 17 s");
        let date = "Wed, 21 Oct 2026 07:28:00 GMT";
        assert_eq!(when(Some(date)), format!("after {date}"));
    }

    #[test]
    fn redirects_are_absolute_or_of_the_same_server() {
        let from = "https://hub.example/a/b";
        assert_eq!(resolve(from, "/c").unwrap(), "https://hub.example/c");
        assert_eq!(resolve(from, "http://cdn/x").unwrap(), "http://cdn/x");
        assert_eq!(resolve(from, ""), None);
    }
}
