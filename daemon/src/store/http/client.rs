//! Requests, their redirects and their responses.

use std::cell::RefCell;
use std::fmt;
use std::io::Read;
use std::time::Duration;

use gte_shared::environment::variable_os;
use ureq::ProxyProtocol;
use ureq::config::IpFamily;
use ureq::http::{HeaderMap, StatusCode, header};
use ureq::tls::TlsConfig;
use ureq::unversioned::resolver::DefaultResolver;

use super::address::{host, parse, resolve, same_host, shown};
use super::error::{HttpError, MAX_REDIRECTS};
use super::failure::failure;
use super::forward::Forward;
use super::proxy::{self, ChosenProxy};
use super::roots::ROOTS;

/// Timeout for a server to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Timeout for a server to continue its response.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Most bytes of a response that is read into memory: a list of files.
const MAX_WHOLE_BYTES: u64 = 16 * 1024 * 1024;

/// Treatment of redirects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Redirects {
    /// Follow redirects to any server.
    Follow,
    /// Return the first response whose headers describe the file, which is the hub's, instead of
    /// the response of the server that has the file's content.
    Keep,
}

/// HTTP client of a hub.
pub(in crate::store) struct Http {
    /// An agent for each proxy in use, so that connections are used again.
    agents: RefCell<Vec<(Option<ChosenProxy>, ureq::Agent)>>,
    /// Token that is sent to the hub alone, never to a server that the hub redirects to.
    token: Option<String>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").finish_non_exhaustive()
    }
}

/// Response of a server, whose body is still to be read.
pub(in crate::store) struct Response {
    /// URL that answered.
    pub(in crate::store) url: String,
    pub(in crate::store) status: StatusCode,
    pub(in crate::store) headers: HeaderMap,
    pub(in crate::store) body: Box<dyn Read>,
}

impl Response {
    /// Value of a header that is text.
    pub(in crate::store) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Http {
    /// Creates a client that sends `token`, without the white space that files and shells put
    /// around it.
    pub(in crate::store) fn new(token: Option<&str>) -> Self {
        let token = token.map(str::trim).filter(|token| !token.is_empty());
        Self {
            agents: RefCell::default(),
            token: token.map(str::to_owned),
        }
    }

    /// Requests the headers of a file. A server that does not answer HEAD is asked for a byte.
    pub(in crate::store) fn head(
        &self,
        url: &str,
        redirects: Redirects,
    ) -> Result<Response, HttpError> {
        match self.request(true, url, None, redirects) {
            // The address that a hub redirects to may be signed for GET alone.
            Err(
                HttpError::Status {
                    status: 405 | 501, ..
                }
                | HttpError::Unauthorized {
                    redirected: true, ..
                },
            ) => self.request(false, url, Some("bytes=0-0"), redirects),
            response => response,
        }
    }

    /// Requests a file from a byte on.
    pub(in crate::store) fn get(&self, url: &str, from: u64) -> Result<Response, HttpError> {
        let range = (from > 0).then(|| format!("bytes={from}-"));
        self.request(false, url, range.as_deref(), Redirects::Follow)
    }

    /// Reads a short response into memory.
    pub(in crate::store) fn get_whole(&self, url: &str) -> Result<Vec<u8>, HttpError> {
        let response = self.get(url, 0)?;
        let mut whole = Vec::new();
        let read = response.body.take(MAX_WHOLE_BYTES).read_to_end(&mut whole);
        read.map_err(|error| failure(&response.url, &error, None))?;
        Ok(whole)
    }

    fn request(
        &self,
        head: bool,
        url: &str,
        range: Option<&str>,
        redirects: Redirects,
    ) -> Result<Response, HttpError> {
        let mut at = url.to_owned();
        let mut commit = None;
        for _ in 0..=MAX_REDIRECTS {
            let mut response = self.ask(head, url, &at, range)?;
            if !response.status.is_redirection() {
                // The hub may state it with the redirect alone.
                if let Some(commit) = commit
                    && !response.headers.contains_key(COMMIT)
                {
                    response.headers.insert(COMMIT, commit);
                }
                return checked(url, response);
            }
            let location = response.header("location").unwrap_or_default();
            let to = resolve(&at, location).ok_or_else(|| HttpError::UnexpectedResponse {
                host: host(&at),
                problem: "a redirect without a usable target".to_owned(),
            })?;
            // The hub's response about the file, whatever server has its content.
            let has = |name: &str| response.headers.contains_key(name);
            let describes = has("etag") || has("x-linked-etag");
            let stays = same_host(&at, &to);
            if redirects == Redirects::Keep && (describes || has(COMMIT) && !stays) {
                return Ok(response);
            }
            commit = response.headers.remove(COMMIT).or(commit).filter(|_| stays);
            at = to;
        }
        Err(HttpError::RedirectLoop(shown(url)))
    }

    /// Sends one request. `first` has redirected to `at`.
    fn ask(
        &self,
        head: bool,
        first: &str,
        at: &str,
        range: Option<&str>,
    ) -> Result<Response, HttpError> {
        let address = parse(at).ok_or_else(|| HttpError::Address(shown(at)))?;
        let proxy = proxy::choose(&address, &variable_os)?;
        let agent = self.agent(proxy.as_ref());
        let mut request = if head { agent.head(at) } else { agent.get(at) };
        if let Some(range) = range {
            request = request.header(header::RANGE, range);
        }
        if let Some(token) = self.token.as_ref().filter(|_| same_host(first, at)) {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let received = request.call();
        let received = received.map_err(|error| failure(at, &error, proxy.as_ref()))?;
        let (parts, body) = received.into_parts();
        if let (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Some(proxy)) = (parts.status, proxy) {
            return Err(HttpError::Proxy {
                proxy: proxy.shown,
                variable: proxy.variable,
                host: host(at),
                problem: "it requires a user and a password (407)".to_owned(),
            });
        }
        Ok(Response {
            url: at.to_owned(),
            status: parts.status,
            headers: parts.headers,
            body: Box::new(body.into_reader()),
        })
    }

    /// Agent of a proxy.
    fn agent(&self, proxy: Option<&ChosenProxy>) -> ureq::Agent {
        let mut agents = self.agents.borrow_mut();
        let known = agents.iter().find(|(of, _)| of.as_ref() == proxy);
        if let Some((_, agent)) = known {
            return agent.clone();
        }
        let config = config(proxy.map(|of| of.proxy.clone()));
        let forward = Forward::new(self::config(None));
        let agent = ureq::Agent::with_parts(config, forward, DefaultResolver::default());
        agents.push((proxy.cloned(), agent.clone()));
        agent
    }
}

/// Header with the commit of a file.
const COMMIT: &str = "x-repo-commit";

/// Settings of the agent of a proxy.
fn config(proxy: Option<ureq::Proxy>) -> ureq::config::Config {
    // SOCKS 4 knows no other addresses.
    let is_socks4 = |proxy: &ureq::Proxy| proxy.protocol() == ProxyProtocol::Socks4;
    let family = match &proxy {
        Some(proxy) if is_socks4(proxy) => IpFamily::Ipv4Only,
        _ => IpFamily::Any,
    };
    let tls = TlsConfig::builder().root_certs(ROOTS.certificates.clone());
    ureq::Agent::config_builder()
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_per_read(Some(READ_TIMEOUT))
        // Sizes and ranges refer to the file, not to a compressed form.
        .accept_encoding("identity")
        .user_agent(concat!("gted/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls.build())
        .ip_family(family)
        .proxy(proxy)
        .build()
}

/// Checks the status of a response that is not a redirect. `first` may have redirected to it.
fn checked(first: &str, response: Response) -> Result<Response, HttpError> {
    let at = &response.url;
    let redirected = !same_host(first, at);
    let url = || {
        // The query of such an address may be a signature, which is a credential.
        let at = shown(at.split('?').next().unwrap_or_default());
        if redirected {
            format!("{at}, to which {} has redirected,", host(first))
        } else {
            at
        }
    };
    let web_page = || {
        let kind = response.header("content-type").unwrap_or_default();
        kind.starts_with("text/html")
    };
    match response.status.as_u16() {
        200 | 206 if web_page() => Err(HttpError::WebPage(url())),
        // 416: the file does not have the requested range, and the caller handles that.
        200 | 206 | 416 => Ok(response),
        404 => Err(HttpError::NotFound { url: url() }),
        401 | 403 => Err(HttpError::Unauthorized {
            url: url(),
            redirected,
        }),
        status @ (429 | 503) => Err(HttpError::RateLimited {
            host: host(at),
            status,
            retry_after: response.header("retry-after").map(str::to_owned),
        }),
        status => Err(HttpError::Status { url: url(), status }),
    }
}
