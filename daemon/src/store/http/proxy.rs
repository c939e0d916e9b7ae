//! The proxy of a request, from the environment, exactly as curl reads it (`lib/url.c`).

use std::borrow::Cow;
use std::ffi::OsString;

use percent_encoding::percent_decode_str;
use ureq::{Proxy, ProxyProtocol};
use url::Url;

use super::address::host_name;
use super::error::HttpError;
use super::no_proxy;

/// Environment variables by their names; unset and empty ones are `None`.
type Variables<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Port of a proxy that states none; an https proxy has [`HTTPS_PORT`].
const PORT: u16 = 1080;

/// Port of an https proxy that states none.
const HTTPS_PORT: u16 = 443;

/// A proxy, and the variable that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChosenProxy {
    pub(super) variable: &'static str,
    /// Host and port, for display.
    pub(super) shown: String,
    pub(super) proxy: Proxy,
}

/// Chooses the proxy of a request; `None` for a direct connection.
///
/// # Errors
///
/// If the variable does not name a proxy: a direct connection might be what it is set against.
pub(super) fn choose(
    url: &Url,
    variables: Variables<'_>,
) -> Result<Option<ChosenProxy>, HttpError> {
    let of_scheme: &[&'static str] = match url.scheme() {
        // Not HTTP_PROXY: in a CGI program the client of the web server sets it.
        "http" => &["http_proxy", "all_proxy", "ALL_PROXY"],
        _ => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
    };
    let mut named = of_scheme
        .iter()
        .filter_map(|name| Some((*name, variables(name)?)));
    let Some((variable, value)) = named.next() else {
        return Ok(None);
    };
    let without = variables("no_proxy").or_else(|| variables("NO_PROXY"));
    let without = without.unwrap_or_default();
    if no_proxy::matches(&without.to_string_lossy(), &host_name(url)) {
        return Ok(None);
    }
    let value = value.to_str().ok_or_else(|| HttpError::ProxyVariable {
        variable,
        problem: "it is not UTF-8".to_owned(),
    })?;
    parse(variable, value.trim()).map(Some)
}

fn parse(variable: &'static str, value: &str) -> Result<ChosenProxy, HttpError> {
    let wrong = |problem: &str| HttpError::ProxyVariable {
        variable,
        problem: problem.to_owned(),
    };
    let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
    let scheme = scheme.to_ascii_lowercase();
    if !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        // It may be a password.
        return Err(wrong("it has a wrong scheme"));
    }
    let protocol = match scheme.as_str() {
        "http" => ProxyProtocol::Http,
        "https" => ProxyProtocol::Https,
        // What programs for VPNs set; curl reads it as version 4.
        "socks" | "socks4" => ProxyProtocol::Socks4,
        "socks4a" => ProxyProtocol::Socks4A,
        "socks5" => ProxyProtocol::Socks5,
        "socks5h" => ProxyProtocol::Socks5h,
        _ => return Err(wrong(&format!("{scheme} is not a kind of proxy"))),
    };
    // Under a scheme without a port of its own, so that a stated port stays.
    let parsed = Url::parse(&format!("proxy://{rest}"));
    let parsed = parsed.map_err(|error| wrong(&error.to_string()))?;
    let host = parsed.host_str().filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| wrong("it has no host"))?;
    let port = parsed.port().unwrap_or(match protocol {
        ProxyProtocol::Https => HTTPS_PORT,
        _ => PORT,
    });
    let decoded = |part: &str| {
        let decoded = percent_decode_str(part).decode_utf8();
        let decoded = decoded.map_err(|_| wrong("user and password are not UTF-8"));
        decoded.map(Cow::into_owned)
    };
    let mut builder = Proxy::builder(protocol).host(host).port(port);
    if !parsed.username().is_empty() || parsed.password().is_some() {
        builder = builder.username(&decoded(parsed.username())?);
    }
    if let Some(password) = parsed.password() {
        builder = builder.password(&decoded(password)?);
    }
    Ok(ChosenProxy {
        variable,
        shown: format!("{host}:{port}"),
        proxy: builder.build().map_err(|error| wrong(&error.to_string()))?,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn chosen(url: &str, set: &[(&str, &str)]) -> Result<Option<ChosenProxy>, HttpError> {
        let set: HashMap<&str, &str> = set.iter().copied().collect();
        let variables = |name: &str| {
            let value = set.get(name).filter(|value| !value.is_empty());
            value.map(OsString::from)
        };
        choose(&Url::parse(url).unwrap(), &variables)
    }

    /// Variable and address of the proxy.
    fn of(url: &str, set: &[(&str, &str)]) -> Option<(&'static str, String)> {
        let chosen = chosen(url, set).unwrap()?;
        Some((chosen.variable, chosen.shown))
    }

    const HTTP: &str = "http://hub.example/a";
    const HTTPS: &str = "https://hub.example/a";

    #[test]
    fn the_variable_is_that_of_the_scheme() {
        let all = [
            ("http_proxy", "h:1"),
            ("HTTP_PROXY", "H:1"),
            ("https_proxy", "s:1"),
            ("HTTPS_PROXY", "S:1"),
            ("all_proxy", "a:1"),
            ("ALL_PROXY", "A:1"),
        ];
        let found = |url, set: &[(&str, &str)]| of(url, set).map(|(variable, _)| variable);
        assert_eq!(found(HTTP, &all), Some("http_proxy"));
        assert_eq!(found(HTTP, &all[1..]), Some("all_proxy"));
        assert_eq!(found(HTTPS, &all), Some("https_proxy"));
        assert_eq!(found(HTTPS, &all[3..]), Some("HTTPS_PROXY"));
        assert_eq!(found(HTTPS, &all[4..]), Some("all_proxy"));
        assert_eq!(found(HTTP, &all[5..]), Some("ALL_PROXY"));
        assert_eq!(found(HTTP, &all[1..4]), None, "HTTP_PROXY is not for us");
        let empty = [("http_proxy", ""), ("ALL_PROXY", "A:1")];
        assert_eq!(found(HTTP, &empty), Some("ALL_PROXY"));
    }

    #[test]
    fn exceptions_are_of_the_lower_case_variable_first() {
        let set = |lower, upper| {
            [
                ("ALL_PROXY", "p:1"),
                ("no_proxy", lower),
                ("NO_PROXY", upper),
            ]
        };
        assert_eq!(of(HTTP, &set("hub.example", "")), None);
        assert_eq!(of(HTTP, &set("", "hub.example")), None);
        assert!(of(HTTP, &set("x", "hub.example")).is_some());
        let address = [("ALL_PROXY", "p:1"), ("no_proxy", "::1")];
        assert_eq!(of("http://[::1]:8080/a", &address), None);
    }

    #[test]
    fn kinds_and_ports_are_those_of_curl() {
        for (value, shown, protocol) in [
            ("127.0.0.1:7890", "127.0.0.1:7890", ProxyProtocol::Http),
            ("http://p.example", "p.example:1080", ProxyProtocol::Http),
            ("http://p.example:80/", "p.example:80", ProxyProtocol::Http),
            ("https://p.example", "p.example:443", ProxyProtocol::Https),
            (
                "socks://127.0.0.1:7897/",
                "127.0.0.1:7897",
                ProxyProtocol::Socks4,
            ),
            ("socks4a://p", "p:1080", ProxyProtocol::Socks4A),
            ("SOCKS5://p", "p:1080", ProxyProtocol::Socks5),
            ("socks5h://[::1]:1", "[::1]:1", ProxyProtocol::Socks5h),
        ] {
            let chosen = chosen(HTTPS, &[("ALL_PROXY", value)]).unwrap().unwrap();
            assert_eq!(chosen.shown, shown);
            assert_eq!(chosen.proxy.protocol(), protocol, "{value}");
            let asks_proxy = matches!(protocol, ProxyProtocol::Socks4 | ProxyProtocol::Socks5);
            assert_eq!(chosen.proxy.resolve_target(), asks_proxy, "{value}");
        }
        let secret = "http://us%40er:p%23w@127.0.0.1:1";
        let chosen = chosen(HTTPS, &[("https_proxy", secret)]).unwrap().unwrap();
        assert_eq!(chosen.proxy.username(), Some("us@er"));
        assert_eq!(chosen.proxy.password(), Some("p#w"));
        assert_eq!(chosen.shown, "127.0.0.1:1");
    }

    #[test]
    fn a_wrong_variable_is_an_error_and_no_direct_connection() {
        let password = chosen(HTTPS, &[("ALL_PROXY", "http://:pw@p:1")]).unwrap();
        assert_eq!(password.unwrap().proxy.password(), Some("pw"));
        for value in [
            "http://[::1",
            "foo://127.0.0.1:1",
            "http://",
            "http://p:x",
            "u:secret@h://p",
            "http://u:%FF@p:1",
        ] {
            let error = chosen(HTTPS, &[("ALL_PROXY", value)]).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
            assert!(
                error
                    .to_string()
                    .starts_with("ALL_PROXY does not name a proxy"),
                "{error}"
            );
        }
    }
}
