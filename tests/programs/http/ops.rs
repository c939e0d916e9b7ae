//! The routes of whoever runs the service.

use gte_tests::{Daemon, GOLDEN_A, GOLDEN_B, HttpConnection, Sandbox};
use serde_json::json;

#[test]
fn metrics_count_what_has_happened() {
    let sandbox = Sandbox::default();
    let (daemon, address) = Daemon::start_http(&sandbox, &[]);
    let mut http = HttpConnection::tcp(&address);
    let pair = json!({"sentence_a": GOLDEN_A, "sentence_b": GOLDEN_B});
    for _ in 0..3 {
        assert_eq!(http.post("/api/similarity", &pair).status, 200);
    }
    assert_eq!(
        http.post("/embed", &json!({"inputs": "好".repeat(600)}))
            .status,
        200
    );
    assert_eq!(http.post("/embed", &json!({"inputs": "😀"})).status, 200);
    assert_eq!(http.post("/embed", &json!({"inputs": ""})).status, 400);
    http.get("/secret");
    // Other protocols count as well.
    daemon.connect_json(&sandbox).ask(r#"{"a":"x","b":"y"}"#);
    let reply = http.get("/metrics");
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain; version=0.0.4")
    );
    let metrics = reply.text();
    for line in [
        r#"gte_http_requests_total{route="/api/similarity",method="POST",status="200"} 3"#,
        r#"gte_http_requests_total{route="/embed",method="POST",status="400"} 1"#,
        r#"gte_http_requests_total{route="none",method="GET",status="404"} 1"#,
        r#"gte_http_request_duration_seconds_count{route="/api/similarity"} 3"#,
        r#"gte_requests_total{request="similarity",outcome="ok"} 4"#,
        r#"gte_requests_total{request="embed",outcome="blank_text"} 1"#,
        r#"gte_request_duration_seconds_count{request="similarity"} 4"#,
        "gte_texts_total 10",
        "gte_truncated_texts_total 1",
        "gte_unknown_tokens_total 1",
        "gte_queue_texts 0",
        "gte_cache_hits_total{model=\"bge-small-zh-v1.5\"} 4",
        "gte_cache_misses_total{model=\"bge-small-zh-v1.5\"} 6",
        "gte_cold_starts_total 1",
        "gte_model_loaded 1",
        "gte_http_connections 1",
        "gte_http_requests_in_flight 1",
        r#"gte_model_info{model="bge-small-zh-v1.5",precision="#,
    ] {
        assert!(
            metrics.lines().any(|of| of.starts_with(line)),
            "{line} in {metrics}"
        );
    }
    for name in [
        "gte_batch_texts_count{model=\"bge-small-zh-v1.5\"}",
        "gte_model_load_seconds{model=\"bge-small-zh-v1.5\"}",
        "gte_build_info{version=",
        "gte_tokens_total",
        "gte_request_memory_limit_bytes",
        "gte_resident_memory_bytes",
    ] {
        assert!(metrics.contains(name), "{name} in {metrics}");
    }
    assert!(!metrics.contains("secret"));
}

#[test]
fn health_loads_no_model() {
    let sandbox = Sandbox::default();
    let (daemon, address) = Daemon::start_http(&sandbox, &["--idle-unload", "1s"]);
    daemon.wait_for("model unloaded");
    let mut http = HttpConnection::tcp(&address);
    let reply = http.get("/health");
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    assert_eq!(http.get("/info").status, 200);
    assert!(http.get("/metrics").text().contains("gte_model_loaded 0"));
    let pair = json!({"sentence_a": "a", "sentence_b": "b"});
    assert_eq!(http.post("/api/similarity", &pair).status, 200);
    assert!(
        http.get("/metrics")
            .text()
            .contains("gte_cold_starts_total 2")
    );
}

#[test]
fn replies_have_an_id_and_are_compressed_where_the_client_asks() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let mut http = HttpConnection::tcp(&address);
    let given = http.ask("GET /health", &[("x-request-id", "of-a-proxy-1")], b"");
    assert_eq!(given.header("x-request-id"), Some("of-a-proxy-1"));
    let long = "x".repeat(129);
    let ids: Vec<String> = ["a b", "秘密", "", &long]
        .into_iter()
        .map(|id| {
            let reply = http.ask("GET /health", &[("x-request-id", id)], b"");
            reply.header("x-request-id").unwrap().to_owned()
        })
        .collect();
    for (index, id) in ids.iter().enumerate() {
        assert!(id.contains('-') && !ids[..index].contains(id), "{ids:?}");
    }
    let plain = http.get("/");
    assert_eq!(plain.header("content-encoding"), None);
    let head = "GET / HTTP/1.1\r\nhost: localhost\r\naccept-encoding: gzip\r\n\r\n";
    let zipped = http.exchange(head.as_bytes()).unwrap();
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    // A large one would keep others waiting.
    let body = json!({"inputs": vec!["退款"; 300]}).to_string();
    // The reply before has no stated length.
    let mut http = HttpConnection::tcp(&address);
    let large = http.ask(
        "POST /embed",
        &[("accept-encoding", "gzip")],
        body.as_bytes(),
    );
    assert!(large.body.len() > 1 << 20);
    assert_eq!(large.header("content-encoding"), None);
}

#[test]
fn the_page_runs_its_own_script_alone() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let mut http = HttpConnection::tcp(&address);
    let page = http.get("/");
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy").unwrap();
    for part in [
        "default-src 'none'",
        "script-src 'sha256-",
        "connect-src 'self'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[test]
fn the_description_lists_routes_that_are_there() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let mut http = HttpConnection::tcp(&address);
    let description = http.get("/openapi.json").json();
    assert_eq!(description["openapi"], "3.1.0");
    assert_eq!(description["info"]["version"], env!("CARGO_PKG_VERSION"));
    let paths = description["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 14);
    for (path, methods) in paths {
        for method in methods.as_object().unwrap().keys() {
            if !["get", "post"].contains(&method.as_str()) {
                continue;
            }
            let request = format!("{} {path}", method.to_uppercase());
            let status = http.ask(&request, &[], b"").status;
            assert!([200, 400].contains(&status), "{request}: {status}");
        }
    }
}
