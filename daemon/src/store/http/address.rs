//! Addresses of hubs: as users type them, as they are shown, and as redirects name them.

use url::{Host, Url};

/// Completes the address of a hub: without blanks and quotes around it, without slashes at its end,
/// and with a scheme.
pub(in crate::store) fn endpoint(typed: &str) -> String {
    let typed = typed.trim();
    let typed = ['"', '\'']
        .iter()
        .find_map(|quote| typed.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(typed);
    let typed = typed.trim();
    if let Some((scheme, rest)) = typed.split_once("://") {
        return format!("{scheme}://{}", rest.trim_end_matches('/'));
    }
    let typed = typed.trim_end_matches('/');
    // A hub of this machine speaks http as a rule; nobody else reads what is sent to it.
    let parsed = Url::parse(&format!("http://{typed}"));
    let is_of_this_machine = match parsed.as_ref().map(Url::host) {
        Ok(Some(Host::Domain(name))) => name == "localhost",
        Ok(Some(Host::Ipv4(address))) => address.is_loopback(),
        Ok(Some(Host::Ipv6(address))) => address.is_loopback(),
        Ok(None) | Err(_) => false,
    };
    let scheme = if is_of_this_machine { "http" } else { "https" };
    format!("{scheme}://{typed}")
}

/// Returns true for an address of a server, with a scheme or without, and not for a folder.
pub(crate) fn is_address(typed: &str) -> bool {
    if typed.contains("://") {
        return true;
    }
    let host = typed.split('/').next().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '[' | ']');
    let begins = host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[');
    begins && host.contains(['.', ':']) && host.chars().all(is_plain)
}

/// Removes user name and password from a URL for display and for manifests.
pub(in crate::store) fn shown(url: &str) -> String {
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

/// Parses the address of a file; `None` if a server cannot have it.
pub(super) fn parse(url: &str) -> Option<Url> {
    // The parser is a browser's, and takes the next part for a missing host.
    let (_, rest) = url.split_once(':')?;
    let has_host = rest
        .strip_prefix("//")
        .is_some_and(|rest| !rest.starts_with(['/', '\\']));
    let url = Url::parse(url).ok().filter(|_| has_host)?;
    let is_http = matches!(url.scheme(), "http" | "https");
    (is_http && url.has_host()).then_some(url)
}

/// Host and port of a URL for display.
pub(super) fn host(url: &str) -> String {
    let Some(url) = parse(url) else {
        return shown(url);
    };
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Name or address of a URL's host, for the rules of proxies.
pub(super) fn host_name(url: &Url) -> String {
    match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => String::new(),
    }
}

/// Returns true if two URLs are of one server: of one scheme, host and port.
pub(super) fn same_host(one: &str, other: &str) -> bool {
    let (one, other) = (parse(one), parse(other));
    matches!((one, other), (Some(one), Some(other)) if one.origin() == other.origin())
}

/// Resolves the location of a redirect (RFC 3986, section 5.2).
pub(super) fn resolve(from: &str, location: &str) -> Option<String> {
    if location.is_empty() {
        return None;
    }
    let to = parse(from)?.join(location).ok()?;
    Some(parse(to.as_str())?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_completed() {
        for (typed, expected) in [
            ("hf-mirror.com", "https://hf-mirror.com"),
            (" https://hf-mirror.com ", "https://hf-mirror.com"),
            ("\"https://hf-mirror.com/\"", "https://hf-mirror.com"),
            ("'hf-mirror.com'", "https://hf-mirror.com"),
            ("127.0.0.1:8080/hub//", "http://127.0.0.1:8080/hub"),
            ("localhost:8080", "http://localhost:8080"),
            ("[::1]:80", "http://[::1]:80"),
            ("localhost.corp.example", "https://localhost.corp.example"),
            ("127.mirror.example", "https://127.mirror.example"),
            ("HTTPS://Hub.example", "HTTPS://Hub.example"),
        ] {
            assert_eq!(endpoint(typed), expected);
        }
        for host in [
            "hf-mirror.com",
            "hub.corp/path",
            "10.0.0.1:8080",
            "[::1]:80",
        ] {
            assert!(is_address(host), "{host}");
        }
        for folder in [
            "./models",
            "../x.y",
            "models/tiny",
            "/m",
            "~/m",
            "模型",
            ".hidden",
        ] {
            assert!(!is_address(folder), "{folder}");
        }
    }

    #[test]
    fn token_is_sent_to_its_own_host_and_port_only() {
        assert!(same_host("https://hub.example/a", "https://hub.example/b"));
        assert!(same_host(
            "https://hub.example/a",
            "https://hub.example:443/b"
        ));
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
        }
        for without in ["https://hub.example/a@b", "http://[::1]:8080/a@b/c"] {
            assert_eq!(shown(without), without);
        }
    }

    #[test]
    fn redirects_are_resolved_as_rfc_3986_says() {
        let from = "https://hub.example/a/b";
        for (location, expected) in [
            ("/c", "https://hub.example/c"),
            ("c/d?x=1", "https://hub.example/a/c/d?x=1"),
            ("../c", "https://hub.example/c"),
            ("?x=1", "https://hub.example/a/b?x=1"),
            ("//cdn.example/x", "https://cdn.example/x"),
            ("HTTPS://CDN.example/x", "https://cdn.example/x"),
            ("http://cdn/x", "http://cdn/x"),
        ] {
            assert_eq!(resolve(from, location).as_deref(), Some(expected));
        }
        for wrong in ["", "ftp://cdn/x", "file:///etc/passwd", "https://"] {
            assert_eq!(resolve(from, wrong), None, "{wrong}");
        }
    }
}
