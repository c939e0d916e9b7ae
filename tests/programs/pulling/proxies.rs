//! Proxies, as curl reads the variables.

use gte_tests::{Daemon, Sandbox, Scripted, socks_proxy};

use super::pull::{pull_with, tiny_hub};
use crate::models::assert_matches_pytorch;

#[test]
fn a_proxy_is_asked_for_the_whole_address() {
    let sandbox = Sandbox::default();
    // Serves as the proxy of a name that nobody knows.
    let hub = tiny_hub();
    let proxy = hub.endpoint().replace("//", "//us%40er:p%23w@");
    pull_with(&sandbox, "http://hub.invalid", &[("http_proxy", &proxy)]).success();
    let requests = hub.take_requests();
    assert!(requests.len() > 5);
    for request in requests {
        let line = &request.line;
        assert!(line.contains(" http://"), "{line}");
        // us@er:p#w
        let credentials = request.headers.get("proxy-authorization");
        assert_eq!(credentials.map(String::as_str), Some("Basic dXNAZXI6cCN3"));
    }
    assert_matches_pytorch(&sandbox, "tiny");
}

#[test]
fn variables_for_others_and_exceptions_lead_past_the_proxy() {
    let closed = "http://127.0.0.1:1";
    for variables in [
        &[("HTTP_PROXY", closed), ("https_proxy", closed)][..],
        &[("http_proxy", closed), ("no_proxy", "127.0.0.0/8")],
        &[
            ("ALL_PROXY", closed),
            ("NO_PROXY", "x, 127.0.0.1"),
            ("no_proxy", ""),
        ],
    ] {
        let sandbox = Sandbox::default();
        let hub = tiny_hub();
        pull_with(&sandbox, &hub.endpoint(), variables).success();
    }
}

#[test]
fn a_proxy_that_does_not_work_is_named() {
    let sandbox = Sandbox::default();
    let refusing = Scripted::start(|_, _| (407, Vec::new(), Vec::new()));
    let address = refusing.address().to_string();
    for (variable, value, words) in [
        (
            "ALL_PROXY",
            "socks5h://127.0.0.1:1",
            "the proxy 127.0.0.1:1 does not lead to hub.invalid",
        ),
        (
            "https_proxy",
            "http://127.0.0.1:1",
            "the proxy 127.0.0.1:1 does not lead to hub.invalid",
        ),
        ("HTTPS_PROXY", &format!("http://{address}"), "407"),
        (
            "ALL_PROXY",
            "foo://127.0.0.1:1",
            "ALL_PROXY does not name a proxy",
        ),
        (
            "ALL_PROXY",
            "http://[::1",
            "ALL_PROXY does not name a proxy",
        ),
    ] {
        let output = pull_with(&sandbox, "https://hub.invalid", &[(variable, value)]);
        assert_eq!(output.code(), Some(1));
        assert!(output.stderr.contains(words), "{output:?}");
        assert!(output.stderr.contains("\nhint: "), "{output:?}");
    }
    assert!(refusing.requests()[0].starts_with("CONNECT hub.invalid:443 "));
    let forwarded = [("http_proxy", format!("http://{address}"))];
    let forwarded = forwarded
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let output = pull_with(&sandbox, "http://hub.invalid", &forwarded);
    assert!(
        output
            .stderr
            .contains("requires a user and a password (407)"),
        "{output:?}"
    );
    // A common mistake: the proxy for https is an http proxy.
    let server = Sandbox::default();
    let (_daemon, plain) = Daemon::start_http(&server, &[]);
    let value = format!("https://{plain}");
    let output = pull_with(&sandbox, "https://hub.invalid", &[("https_proxy", &value)]);
    let words = format!("https_proxy does not name a proxy: {plain} does not speak https");
    assert!(output.stderr.contains(&words), "{output:?}");
}

#[test]
fn a_socks_proxy_resolves_names_where_its_scheme_says_so() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    let target = hub
        .endpoint()
        .replace("http://", "")
        .parse()
        .expect("an address");
    let (proxy, asked) = socks_proxy(target);
    let names = || std::mem::take(&mut *asked.lock().expect("the proxy runs"));
    let remote = format!("socks5h://{proxy}");
    // The files of the second server come by its address, to which the proxy does not lead.
    drop(pull_with(
        &sandbox,
        "http://hub.invalid",
        &[("ALL_PROXY", &remote)],
    ));
    assert_eq!(names().first().map(String::as_str), Some("hub.invalid"));
    let local = format!("socks5://{proxy}");
    let unknown = pull_with(&sandbox, "http://hub.invalid", &[("ALL_PROXY", &local)]);
    assert_eq!(unknown.code(), Some(1));
    assert_eq!(
        names(),
        Vec::<String>::new(),
        "the name was to be resolved here"
    );
}
