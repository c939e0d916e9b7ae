//! HTTP requests to hubs, and to the servers that hubs redirect to.

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

use ureq::http::{HeaderMap, StatusCode, Uri, header};

/// Timeout for a server to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Timeout for a server to continue its response.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Most redirects that a request follows.
const MAX_REDIRECTS: usize = 10;

/// Most bytes of a response that is read into memory: a list of files.
const MAX_WHOLE_BYTES: u64 = 16 * 1024 * 1024;

/// Failure of a request. The message names the server or the URL; [`hint`](Self::hint) says what to
/// do next.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    /// The server could not be reached, or the connection broke.
    #[error("{host} cannot be reached: {problem}")]
    Unreachable {
        /// The server.
        host: String,
        /// The cause.
        problem: String,
    },
    /// The server does not have the file.
    #[error("{url} was not found (404)")]
    NotFound {
        /// The URL of the request.
        url: String,
    },
    /// The server requires a permission.
    #[error(
        "{0} may not be read without permission (401 or 403), or the repository does not exist"
    )]
    Unauthorized(String),
    /// The server limits the rate of requests.
    #[error("{host} is rate limiting ({status})")]
    RateLimited {
        /// The server.
        host: String,
        /// 429 or 503.
        status: u16,
        /// The server's `Retry-After`.
        retry_after: Option<String>,
    },
    /// Another status.
    #[error("{url} cannot be fetched: the server answers {status}")]
    Status {
        /// The URL of the request.
        url: String,
        /// The status.
        status: u16,
    },
    /// A redirect led to further redirects.
    #[error("{0}: more than {MAX_REDIRECTS} redirects")]
    RedirectLoop(String),
    /// The server sent a web page in place of a file.
    #[error("{0} is a web page, not a file")]
    WebPage(String),
    /// The response does not have the form that the hub is known for.
    #[error("{host} sent an unexpected response: {problem}")]
    UnexpectedResponse {
        /// The server.
        host: String,
        /// The problem with the response.
        problem: String,
    },
}

impl HttpError {
    /// Next step for the user, where there is one.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { .. } => {
                Some("a mirror or a proxy may help, see `gted pull --help`".to_owned())
            }
            Self::Unauthorized(_) => {
                Some("set a token in HF_TOKEN or MODELSCOPE_API_TOKEN".to_owned())
            }
            Self::RateLimited { retry_after, .. } => {
                Some(format!("try again {}", when(retry_after.as_deref())))
            }
            Self::WebPage(_) => Some("check for a login or a proxy in between".to_owned()),
            Self::NotFound { .. }
            | Self::Status { .. }
            | Self::RedirectLoop(_)
            | Self::UnexpectedResponse { .. } => None,
        }
    }
}

/// Formats `Retry-After`, whose value is a number of seconds or a date (RFC 9110, section 10.2.3).
fn when(retry_after: Option<&str>) -> String {
    match retry_after {
        None => "later".to_owned(),
        Some(seconds) if seconds.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("after {seconds} s")
        }
        Some(date) => format!("after {date}"),
    }
}

/// Treatment of redirects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redirects {
    /// Follow redirects to any server.
    Follow,
    /// Return the hub's own response, whose headers describe the file, instead of the response of
    /// another server.
    Keep,
}

/// HTTP client of a hub.
pub(super) struct Http {
    agent: ureq::Agent,
    /// Token that is sent to the hub alone, never to a server that the hub redirects to.
    token: Option<String>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").finish_non_exhaustive()
    }
}

/// Response of a server, whose body is still to be read.
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Box<dyn Read>,
}

impl Response {
    /// Value of a header that is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Http {
    /// Creates a client that uses the proxies of the usual environment variables.
    pub(super) fn new(token: Option<String>) -> Self {
        let config = ureq::Agent::config_builder()
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_per_read(Some(READ_TIMEOUT))
            // Sizes and ranges refer to the file, not to a compressed form.
            .accept_encoding("identity")
            .user_agent(concat!("gted/", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            agent: config.new_agent(),
            token: token.filter(|token| !token.is_empty()),
        }
    }

    /// Requests the headers of a file.
    pub(super) fn head(&self, url: &str, redirects: Redirects) -> Result<Response, HttpError> {
        self.request(true, url, None, redirects)
    }

    /// Requests a file from a byte on.
    pub(super) fn get(&self, url: &str, from: u64) -> Result<Response, HttpError> {
        self.request(false, url, (from > 0).then_some(from), Redirects::Follow)
    }

    /// Reads a short response into memory.
    pub(super) fn get_whole(&self, url: &str) -> Result<Vec<u8>, HttpError> {
        let response = self.get(url, 0)?;
        let mut whole = Vec::new();
        let read = response.body.take(MAX_WHOLE_BYTES).read_to_end(&mut whole);
        read.map_err(|error| unreachable_host(url, &error))?;
        Ok(whole)
    }

    fn request(
        &self,
        head: bool,
        url: &str,
        from: Option<u64>,
        redirects: Redirects,
    ) -> Result<Response, HttpError> {
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
            let received = request
                .call()
                .map_err(|error| unreachable_host(&at, &error))?;
            let (parts, body) = received.into_parts();
            let response = Response {
                status: parts.status,
                headers: parts.headers,
                body: Box::new(body.into_reader()),
            };
            if !response.status.is_redirection() {
                return checked(url, &at, response);
            }
            let location = response.header("location").unwrap_or_default();
            let to = resolve(&at, location).ok_or_else(|| HttpError::UnexpectedResponse {
                host: host(&at),
                problem: "a redirect without a target".to_owned(),
            })?;
            // A redirect that describes the file, or leads to another server, is the hub's response
            // about the file; any other redirect leads to the new name of a repository.
            let describes = ["etag", "x-linked-etag"]
                .iter()
                .any(|name| response.headers.contains_key(*name));
            if redirects == Redirects::Keep && (describes || !same_host(&at, &to)) {
                return Ok(response);
            }
            at = to;
        }
        Err(HttpError::RedirectLoop(shown(url)))
    }
}

/// Makes the error for a connection that broke while a body was read.
pub(super) fn broken(url: &str, error: &io::Error) -> HttpError {
    unreachable_host(url, error)
}

fn unreachable_host(url: &str, problem: &impl fmt::Display) -> HttpError {
    HttpError::Unreachable {
        host: host(url),
        // The HTTP library quotes an address that it cannot use.
        problem: problem.to_string().replace(url, &shown(url)),
    }
}

/// Checks the status of a response that is not a redirect. `url` has redirected to `at`.
fn checked(url: &str, at: &str, response: Response) -> Result<Response, HttpError> {
    let web_page = || {
        let kind = response.header("content-type").unwrap_or_default();
        kind.starts_with("text/html")
    };
    let retry_after = || response.header("retry-after").map(str::to_owned);
    match response.status.as_u16() {
        200 | 206 if web_page() => Err(HttpError::WebPage(shown(url))),
        // 416: the file does not have the requested range, and the caller handles that.
        200 | 206 | 416 => Ok(response),
        404 => Err(HttpError::NotFound { url: shown(url) }),
        401 | 403 => Err(HttpError::Unauthorized(shown(url))),
        status @ (429 | 503) => Err(HttpError::RateLimited {
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

/// Removes user name and password from a URL for display and for manifests.
pub(super) fn shown(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), url),
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if let Some((_, host)) = authority.rsplit_once('@') {
        return format!("{scheme}{host}{path}");
    }
    // A password that has not been percent-encoded may have a slash. What follows a host and a
    // colon is a port.
    let after_host = authority
        .rsplit_once(']')
        .map_or(authority, |(_, rest)| rest);
    let port = after_host.split_once(':').map(|(_, port)| port);
    let password = port.is_some_and(|port| !port.bytes().all(|byte| byte.is_ascii_digit()));
    match path.rsplit_once('@').filter(|_| password) {
        Some((_, host)) => format!("{scheme}{host}"),
        None => url.to_owned(),
    }
}

/// Scheme, host and port of a URL.
fn origin(url: &str) -> Option<(String, String)> {
    let uri: Uri = url.parse().ok()?;
    Some((uri.scheme_str()?.to_owned(), uri.authority()?.to_string()))
}

/// Host and port of a URL for display.
fn host(url: &str) -> String {
    match origin(url) {
        Some((_, host)) => host.rsplit('@').next().unwrap_or_default().to_owned(),
        None => shown(url),
    }
}

fn same_host(one: &str, other: &str) -> bool {
    origin(one).is_some_and(|one| Some(one) == origin(other))
}

/// Resolves the location of a redirect, which may be relative to the server.
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
    fn token_is_sent_to_its_own_host_and_port_only() {
        assert!(same_host("https://hub.example/a", "https://hub.example/b"));
        assert!(!same_host("https://hub.example/a", "https://cdn.example/a"));
        assert!(!same_host("https://hub.example/a", "http://hub.example/a"));
        assert!(!same_host("http://127.0.0.1:1/a", "http://127.0.0.1:2/a"));
    }

    #[test]
    fn urls_are_shown_without_passwords() {
        let url = "https://me:secret@hub.example/a/b";
        assert_eq!(shown(url), "https://hub.example/a/b");
        assert_eq!(host(url), "hub.example");
        for url in [
            "https://me:se@cret@hub.example",
            "https://:secret@[",
            "https://me:se/cret@hub.example",
            "me:secret@hub.example",
        ] {
            assert!(!host(url).contains("cret"), "{}", host(url));
            let problem = format!("bad address {url}/a/b: no host");
            let error = unreachable_host(&format!("{url}/a/b"), &problem).to_string();
            assert!(!error.contains("cret"), "{error}");
        }
        for without in ["https://hub.example/a@b", "http://[::1]:8080/a@b/c"] {
            assert_eq!(shown(without), without);
        }
    }

    #[test]
    fn retry_after_is_in_seconds_or_a_date() {
        assert_eq!(when(Some("17")), "after 17 s");
        let date = "Wed, 21 Oct 2026 07:28:00 GMT";
        assert_eq!(when(Some(date)), format!("after {date}"));
    }

    #[test]
    fn redirects_are_absolute_or_relative_to_the_server() {
        let from = "https://hub.example/a/b";
        assert_eq!(resolve(from, "/c").unwrap(), "https://hub.example/c");
        assert_eq!(resolve(from, "http://cdn/x").unwrap(), "http://cdn/x");
        assert_eq!(resolve(from, ""), None);
    }
}
