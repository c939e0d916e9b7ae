//! Errors of the HTTP library, told apart by what the user can do about them.

use std::error::Error;
use std::io;

use rustls::CertificateError;
use ureq::ProxyProtocol;

use super::address::{host, shown};
use super::error::HttpError;
use super::proxy::ChosenProxy;
use super::roots::ROOTS;

/// Makes the error of a request to `url` that has failed without a response, or while its body was
/// read.
pub(super) fn failure(
    url: &str,
    error: &(dyn Error + 'static),
    proxy: Option<&ChosenProxy>,
) -> HttpError {
    let host = host(url);
    // An https proxy comes first, so its certificate may be at fault as well.
    let to_proxy = proxy.filter(|of| of.proxy.protocol() == ProxyProtocol::Https);
    let by = || match to_proxy {
        Some(proxy) => format!("{host} or of the proxy {}", proxy.shown),
        None => host.clone(),
    };
    match (tls_error(error), to_proxy) {
        (Some(rustls::Error::InvalidCertificate(problem)), _) => {
            let (problem, hint) = told(problem);
            return HttpError::Certificate {
                host: by(),
                problem,
                hint,
            };
        }
        // The first bytes are not those of TLS.
        (Some(rustls::Error::InvalidMessage(_)), Some(proxy)) => {
            return HttpError::ProxyVariable {
                variable: proxy.variable,
                problem: format!("{} does not speak https; http:// may be meant", proxy.shown),
            };
        }
        (Some(rustls::Error::InvalidMessage(_)), None) => return HttpError::NotTls(host),
        _ => {}
    }
    // The HTTP library quotes an address that it cannot use.
    let problem = error.to_string().replace(url, &shown(url));
    match proxy {
        Some(ChosenProxy {
            variable, shown, ..
        }) => HttpError::Proxy {
            proxy: shown.clone(),
            variable,
            host,
            problem,
        },
        None => HttpError::Unreachable { host, problem },
    }
}

/// Makes the error of a body that ended with an error.
pub(in crate::store) fn broken(url: &str, error: &io::Error) -> HttpError {
    failure(url, error, None)
}

/// Finds an error of TLS among an error and its causes.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref() {
        return Some(tls);
    }
    if let Some(io) = error.downcast_ref::<io::Error>() {
        return io.get_ref().and_then(|inner| tls_error(inner));
    }
    match error.downcast_ref() {
        Some(ureq::Error::Rustls(tls)) => Some(tls),
        Some(ureq::Error::Io(io)) => io.get_ref().and_then(|inner| tls_error(inner)),
        _ => None,
    }
}

/// Problem of a certificate, and the next step.
fn told(error: &CertificateError) -> (String, String) {
    const DATE: &str = "check the date of this machine, or ask the owner of the server";
    let (problem, hint) = match error {
        CertificateError::UnknownIssuer => (
            "this machine does not know its issuer",
            "if a proxy of your company signs certificates, name its certificate: SSL_CERT_FILE=FILE.pem",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("it has expired", DATE)
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("it is not valid yet", DATE)
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            "it is for another name",
            "use the server's name as in its certificate, which must state it as a subjectAltName",
        ),
        _ => (
            "",
            "ask the owner of the server for another certificate, or name one with SSL_CERT_FILE",
        ),
    };
    let problem = match problem {
        "" => error.to_string(),
        problem => problem.to_owned(),
    };
    match ROOTS.problems.as_slice() {
        [] => (problem, hint.to_owned()),
        problems => (
            format!("{problem} ({})", problems.join("; ")),
            hint.to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unusable_address_is_quoted_without_its_password() {
        for url in ["https://me:se@cret@hub.example", "https://:secret@["] {
            let problem = io::Error::other(format!("bad address {url}/a/b: no host"));
            let error = failure(&format!("{url}/a/b"), &problem, None).to_string();
            assert!(!error.contains("cret"), "{error}");
        }
    }

    #[test]
    fn certificates_are_told_from_connections() {
        let wrapped = |error| io::Error::other(rustls::Error::InvalidCertificate(error));
        let of = |error| failure("https://hub/a", &wrapped(error), None);
        let unknown = of(CertificateError::UnknownIssuer);
        assert!(unknown.hint().unwrap().contains("SSL_CERT_FILE"));
        let expired = of(CertificateError::Expired);
        assert!(expired.hint().unwrap().contains("date of this machine"));
        let reset = failure(
            "https://hub/a",
            &io::Error::from(io::ErrorKind::ConnectionReset),
            None,
        );
        assert!(matches!(reset, HttpError::Unreachable { .. }));
    }
}
