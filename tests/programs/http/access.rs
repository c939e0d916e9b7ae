//! Hosts, origins, tokens, rates and TLS.

use gte_tests::{Daemon, HttpConnection, Sandbox, wait_until};
use rustix::process::Signal;
use serde_json::json;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A file of the sandbox with this content.
fn file(sandbox: &Sandbox, name: &str, content: &str) -> String {
    let path = sandbox.path().join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_loopback_address_answers_names_of_this_machine_alone() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &["--allow-host", "Gte.example"]);
    let mut http = HttpConnection::tcp(&address);
    for host in [
        "localhost",
        "127.0.0.1:8765",
        "[::1]:1",
        "a.localhost",
        "GTE.example:80",
    ] {
        let reply = http.ask("GET /v1/models", &[("host", host)], b"");
        assert_eq!(reply.status, 200, "{host}");
    }
    for host in [
        "example.com",
        "127.0.0.1.example.com",
        "localhost.example.com",
        "10.0.0.1",
        "",
    ] {
        let reply = http.ask("GET /v1/models", &[("host", host)], b"");
        assert_eq!(reply.status, 403, "{host}");
    }
    let twice = [("host", "localhost"), ("host", "example.com")];
    assert_eq!(http.ask("GET /v1/models", &twice, b"").status, 400);
    let mut http = HttpConnection::tcp(&address);
    // A target with a host of its own must name this machine as well.
    let target = "GET http://example.com/v1/models";
    assert_eq!(http.ask(target, &[("host", "localhost")], b"").status, 403);
}

#[test]
fn web_pages_of_other_origins_are_refused_unless_they_are_named() {
    let sandbox = Sandbox::default();
    let arguments = ["--cors", "https://shop.example"];
    let (_daemon, address) = Daemon::start_http(&sandbox, &arguments);
    let mut http = HttpConnection::tcp(&address);
    let body = json!({"sentence_a": "a", "sentence_b": "b"}).to_string();
    let mut ask = |origin: &str| {
        let headers = [("origin", origin), ("content-type", "text/plain")];
        http.ask("POST /api/similarity", &headers, body.as_bytes())
    };
    let allowed = ask("https://shop.example");
    assert_eq!(allowed.status, 200);
    let header = "access-control-allow-origin";
    assert_eq!(allowed.header(header), Some("https://shop.example"));
    assert_eq!(ask("http://localhost").status, 200, "its own page");
    for origin in ["https://example.com", "http://shop.example", "null"] {
        let refused = ask(origin);
        assert_eq!(refused.status, 403, "{origin}");
        assert_eq!(refused.header(header), None);
    }
    let preflight = [
        ("origin", "https://shop.example"),
        ("access-control-request-method", "POST"),
        (
            "access-control-request-headers",
            "authorization,content-type",
        ),
    ];
    let reply = http.ask("OPTIONS /api/similarity", &preflight, b"");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header(header), Some("https://shop.example"));
}

#[test]
fn without_allowed_origins_no_reply_has_headers_of_cors() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let mut http = HttpConnection::tcp(&address);
    let reply = http.ask("GET /v1/models", &[("origin", "http://localhost")], b"");
    assert_eq!(reply.status, 200);
    assert!(
        !reply
            .headers
            .iter()
            .any(|(name, _)| name.starts_with("access-control"))
    );
}

#[test]
fn tokens_let_clients_in_and_can_be_changed() {
    let sandbox = Sandbox::default();
    let tokens = file(&sandbox, "tokens", &format!("# clients\nshop {TOKEN}\n"));
    let arguments = ["--token-file", tokens.as_str()];
    let (daemon, address) = Daemon::start_http(&sandbox, &arguments);
    let mut http = HttpConnection::tcp(&address);
    let mut status = |path: &str, token: Option<&str>| {
        let value = token.map(|token| format!("Bearer {token}"));
        let headers: Vec<_> = value
            .iter()
            .map(|value| ("authorization", value.as_str()))
            .collect();
        let reply = http.ask(path, &headers, b"");
        if reply.status == 401 {
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        }
        reply.status
    };
    for path in [
        "GET /v1/models",
        "GET /metrics",
        "GET /openapi.json",
        "GET /info",
    ] {
        assert_eq!(status(path, None), 401, "{path}");
        assert_eq!(status(path, Some("wrong")), 401, "{path}");
        assert_eq!(status(path, Some(TOKEN)), 200, "{path}");
    }
    for path in ["GET /", "GET /health", "HEAD /health"] {
        assert_eq!(status(path, None), 200, "{path}");
    }
    // The page is for anybody, and what has its path is not.
    assert_eq!(status("POST /", None), 401);
    let other = TOKEN.replace('0', "9");
    file(&sandbox, "tokens", &format!("desk {other}\n"));
    daemon.signal(Signal::HUP);
    daemon.wait_for("files of http reread");
    assert_eq!(status("GET /v1/models", Some(TOKEN)), 401);
    assert_eq!(status("GET /v1/models", Some(&other)), 200);
    // A faulty file changes nothing.
    file(&sandbox, "tokens", "nonsense");
    daemon.signal(Signal::HUP);
    daemon.wait_for("http goes on");
    assert_eq!(status("GET /v1/models", Some(&other)), 200);
}

#[test]
fn the_log_names_the_token_and_neither_texts_nor_headers() {
    let sandbox = Sandbox::default();
    let tokens = file(&sandbox, "tokens", &format!("shop {TOKEN}\n"));
    let (mut daemon, address) =
        Daemon::start_http(&sandbox, &["--verbose", "--token-file", tokens.as_str()]);
    let mut http = HttpConnection::tcp(&address);
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("authorization", bearer.as_str()), ("x-secret", "秘密")];
    let body = json!({"sentence_a": "秘密", "sentence_b": "b"}).to_string();
    let reply = http.ask("POST /api/similarity", &headers, body.as_bytes());
    assert_eq!(reply.status, 200);
    let wrong = [("authorization", "Bearer secret-secret-secret-secret")];
    http.ask("GET /secret?secret=secret", &wrong, b"");
    daemon.signal(Signal::TERM);
    daemon.wait();
    let log = daemon.rest_of_log();
    let of_request = |words: &str| log.iter().any(|line| line.contains(words));
    assert!(of_request("caller=\"shop\""), "{log:#?}");
    assert!(of_request("status=401"), "{log:#?}");
    for secret in ["秘密", "secret", TOKEN] {
        assert!(!of_request(secret), "{log:#?}");
    }
}

#[test]
fn requests_over_the_rate_are_told_to_wait() {
    let sandbox = Sandbox::default();
    let tokens = format!("shop {TOKEN}\ndesk x{TOKEN}\n");
    let tokens = file(&sandbox, "tokens", &tokens);
    let arguments = ["--rate-limit", "5", "--token-file", tokens.as_str()];
    let (_daemon, address) = Daemon::start_http(&sandbox, &arguments);
    let mut http = HttpConnection::tcp(&address);
    let mut ask = |token: &str| {
        let value = format!("Bearer {token}");
        http.ask("GET /v1/models", &[("authorization", &value)], b"")
    };
    let refused = (0..100)
        .map(|_| ask(TOKEN))
        .find(|reply| reply.status != 200);
    let refused = refused.expect("a limit");
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(
        ask(&format!("x{TOKEN}")).status,
        200,
        "another token has its own"
    );
    // Guesses are counted by their address.
    let guess = (0..100)
        .map(|_| ask("guess"))
        .find(|reply| reply.status != 401);
    assert_eq!(guess.expect("a limit").status, 429);
    assert_eq!(http.get("/health").status, 200);
}

#[test]
fn a_trusted_proxy_names_the_client_that_is_counted() {
    let sandbox = Sandbox::default();
    let arguments = ["--rate-limit", "3", "--trusted-proxies", "127.0.0.0/8"];
    let (_daemon, address) = Daemon::start_http(&sandbox, &arguments);
    let mut http = HttpConnection::tcp(&address);
    let mut exhausted = |client: &str| {
        let headers = [("x-forwarded-for", client)];
        let replies = (0..20).map(|_| http.ask("GET /v1/models", &headers, b"").status);
        replies.filter(|status| *status == 429).count() > 10
    };
    assert!(exhausted("192.0.2.1"));
    // The proxy adds the address that it sees behind what the client claims.
    assert!(exhausted("192.0.2.9, 192.0.2.1"));
    let others = (0..20).map(|number| {
        let client = format!("198.51.100.{number}, 192.0.3.{number}");
        let headers = [("x-forwarded-for", client.as_str())];
        http.ask("GET /v1/models", &headers, b"").status
    });
    assert!({ others }.all(|status| status == 200), "each has its own");
}

#[test]
fn tls_has_the_certificate_of_its_file_and_rereads_it() {
    let sandbox = Sandbox::default();
    let make = |name: &str| {
        let path = |end: &str| sandbox.path().join(end).to_str().unwrap().to_owned();
        let mut openssl = std::process::Command::new("openssl");
        openssl.args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ]);
        openssl.args(["-nodes", "-days", "2", "-subj", &format!("/CN={name}")]);
        openssl.args(["-keyout", &path("key.pem"), "-out", &path("cert.pem")]);
        assert!(gte_tests::Output::of(&mut openssl).status.success());
    };
    make("first.example");
    let path = |name: &str| sandbox.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (path("cert.pem"), path("key.pem"));
    let arguments = [
        "--tls-cert",
        certificate.as_str(),
        "--tls-key",
        key.as_str(),
    ];
    let (daemon, address) = Daemon::start_http(&sandbox, &arguments);
    let subject = || {
        let mut openssl = std::process::Command::new("openssl");
        openssl.args([
            "s_client", "-connect", &address, "-alpn", "http/1.1", "-quiet", "-verify", "1",
        ]);
        let request = b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        let output = gte_tests::Output::with_stdin(&mut openssl, request);
        assert!(output.stdout.starts_with("HTTP/1.1 200"), "{output:?}");
        output.stderr
    };
    assert!(subject().contains("first.example"));
    make("second.example");
    daemon.signal(Signal::HUP);
    daemon.wait_for("files of http reread");
    assert!(subject().contains("second.example"));
    // A plain request gets no reply, and harms nobody.
    let mut plain = HttpConnection::tcp(&address);
    plain
        .send(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    wait_until("the service to answer others", || {
        subject().contains("second.example")
    });
}
