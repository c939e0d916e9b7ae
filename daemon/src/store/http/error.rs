//! Failures of requests.

/// Most redirects that a request follows.
pub(super) const MAX_REDIRECTS: usize = 10;

/// Failure of a request. The message names the server or the URL; [`hint`](Self::hint) says what to
/// do next.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    /// The address is not one of a server.
    #[error("{0} is not the address of a hub")]
    Address(String),
    /// The server could not be reached, or the connection broke.
    #[error("{host} cannot be reached: {problem}")]
    Unreachable {
        /// The server.
        host: String,
        /// The cause.
        problem: String,
    },
    /// The server's certificate is not trusted.
    #[error("the certificate of {host} is not trusted: {problem}")]
    Certificate {
        /// The server.
        host: String,
        /// The cause.
        problem: String,
        /// Next step for the user.
        hint: String,
    },
    /// The server does not speak TLS.
    #[error("{0} does not speak https")]
    NotTls(String),
    /// A variable does not name a proxy.
    #[error("{variable} does not name a proxy: {problem}")]
    ProxyVariable {
        /// The variable.
        variable: &'static str,
        /// Its fault.
        problem: String,
    },
    /// The proxy could not be reached, or refuses the connection.
    #[error("the proxy {proxy} does not lead to {host}: {problem}")]
    Proxy {
        /// The proxy.
        proxy: String,
        /// Variable that names it.
        variable: &'static str,
        /// The server.
        host: String,
        /// The cause.
        problem: String,
    },
    /// The server does not have the file.
    #[error("{url} was not found (404)")]
    NotFound {
        /// The URL that answered.
        url: String,
    },
    /// The server requires a permission.
    #[error(
        "{url} may not be read without permission (401 or 403), or the repository does not exist"
    )]
    Unauthorized {
        /// The URL that answered.
        url: String,
        /// True if the hub has redirected to another server, which gets no token.
        redirected: bool,
    },
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
        /// The URL that answered.
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
        let hint = match self {
            Self::Address(_) => {
                "write it as https://HOST, in HF_ENDPOINT, MODELSCOPE_ENDPOINT or --from"
            }
            Self::Unreachable { .. } => {
                "a mirror or a proxy may help, see `gted pull --help`; --from takes a folder only if it is there"
            }
            Self::Certificate { hint, .. } => hint,
            Self::NotTls(_) => "write http:// in its address, or correct the port",
            Self::ProxyVariable { .. } => {
                "write it as http://HOST:PORT, https://…, socks4://…, socks5://… or socks5h://…; user and password percent-encoded"
            }
            Self::Proxy { variable, .. } => {
                return Some(format!(
                    "check {variable}; NO_PROXY names hosts that need no proxy"
                ));
            }
            Self::Unauthorized {
                redirected: true, ..
            } => {
                "the hub has sent us there: pull again, since such addresses expire, or use another source with --from"
            }
            Self::Unauthorized { .. } => {
                "check the name; for a private repository set HF_TOKEN (a stored one: HF_TOKEN=$(cat ~/.cache/huggingface/token)) or MODELSCOPE_API_TOKEN"
            }
            Self::RateLimited { retry_after, .. } => {
                return Some(format!("try again {}", when(retry_after.as_deref())));
            }
            Self::WebPage(_) => "check for a login or a proxy in between",
            Self::NotFound { .. }
            | Self::Status { .. }
            | Self::RedirectLoop(_)
            | Self::UnexpectedResponse { .. } => return None,
        };
        Some(hint.to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_in_seconds_or_a_date() {
        assert_eq!(when(Some("17")), "after 17 s");
        let date = "Wed, 21 Oct 2026 07:28:00 GMT";
        assert_eq!(when(Some(date)), format!("after {date}"));
    }
}
