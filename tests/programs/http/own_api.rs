//! The program's own routes.

use gte_tests::{Daemon, GOLDEN_A, GOLDEN_B, HttpConnection, Sandbox, has_golden_score};
use serde_json::{Value, json};

#[test]
fn the_article_s_request_gets_its_reply() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let mut http = HttpConnection::tcp(&address);
    let pair = json!({"sentence_a": GOLDEN_A, "sentence_b": GOLDEN_B});
    let reply = http.post("/api/similarity", &pair);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let row = reply.json();
    assert!(has_golden_score(&row["similarity"].to_string()));
    assert_eq!(row["interpretation"], "高度相似");
    assert_eq!(row["model"], "bge-small-zh-v1.5");
    assert_eq!(row["a"]["tokens"], 8);
    // The article's own number.
    let raw = http.post("/api/similarity?score=raw", &pair).json();
    let expected = raw["cosine"].as_f64().unwrap() * 100.0;
    assert!((raw["similarity"].as_f64().unwrap() - expected).abs() < 1e-3);
    assert_eq!(raw["calibration"], "uncalibrated");
    // Whatever the content type is called.
    let typed = http.ask(
        "POST /api/similarity",
        &[("content-type", "text/plain")],
        pair.to_string().as_bytes(),
    );
    assert_eq!(typed.status, 200);
    for (a, b) in [(Some(" \n"), Some("x")), (Some("x"), None), (None, None)] {
        let refused = http.post(
            "/api/similarity",
            &json!({"sentence_a": a, "sentence_b": b}),
        );
        assert_eq!(refused.status, 400);
        assert_eq!(refused.json()["error"], "Missing sentence_a or sentence_b");
    }
}

#[test]
fn http_and_json_lines_give_the_same_reply() {
    let sandbox = Sandbox::default();
    let (daemon, address) = Daemon::start_http(&sandbox, &[]);
    let mut http = HttpConnection::tcp(&address);
    let mut lines = daemon.connect_json(&sandbox);
    let without_time = |mut reply: Value| {
        reply["micros"] = Value::Null;
        reply
    };
    let (a, b) = ("我的iPhone坏了😀", "手机坏了");
    let options = json!({"truncation": "tail", "text_steps": ["nfkc"], "score": "raw"});
    let with = |mut of: Value, options: &Value| {
        for (key, value) in options.as_object().unwrap() {
            of[key] = value.clone();
        }
        of
    };
    for options in [json!({}), options] {
        for (path, body, line) in [
            (
                "/api/similarity",
                json!({"sentence_a": a, "sentence_b": b}),
                json!({"a": a, "b": b}),
            ),
            (
                "/api/explain",
                json!({"sentence_a": a, "sentence_b": b}),
                json!({"a": a, "b": b, "explain": true}),
            ),
            (
                "/api/rank",
                json!({"query": a, "texts": [b, "退款"]}),
                json!({"query": a, "texts": [b, "退款"]}),
            ),
        ] {
            let reply = http.post(path, &with(body, &options));
            assert_eq!(reply.status, 200, "{path}: {}", reply.text());
            let expected = lines.ask(&with(line, &options).to_string());
            assert_eq!(without_time(reply.json()), without_time(expected), "{path}");
        }
    }
}

#[test]
fn a_faulty_request_is_refused_without_quoting_it() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let mut http = HttpConnection::tcp(&address);
    let secret = "秘密";
    for (path, body, status, code) in [
        ("/api/similarity", "", 400, "bad_request"),
        ("/api/similarity", "{", 400, "bad_request"),
        ("/api/similarity", "[\"秘密\"]", 400, "bad_request"),
        (
            "/api/similarity",
            r#"{"sentence_a":"秘密","sentence_b":7}"#,
            400,
            "bad_request",
        ),
        (
            "/api/similarity",
            r#"{"sentence_a":"秘密","sentence_b":"x","秘密":1}"#,
            400,
            "bad_request",
        ),
        (
            "/api/similarity?secret=秘密",
            r#"{"sentence_a":"秘密","sentence_b":"x"}"#,
            400,
            "bad_request",
        ),
        (
            "/api/similarity",
            r#"["秘密","秘密",null,null,null,null]"#,
            400,
            "bad_request",
        ),
        ("/api/rank", r#"{"query":"秘密"}"#, 400, "bad_request"),
        (
            "/api/rank",
            r#"{"query":"秘密","texts":["x"," "]}"#,
            400,
            "blank_text",
        ),
        (
            "/api/similarity",
            r#"{"sentence_a":"秘密","sentence_b":"x","model":"nonsense"}"#,
            404,
            "model_not_found",
        ),
    ] {
        let reply = http.ask(&format!("POST {path}"), &[], body.as_bytes());
        let error = reply.json();
        assert_eq!(reply.status, status, "{path} {body}: {error}");
        assert_eq!(error["code"], code);
        assert!(!error.to_string().contains(secret), "{error}");
    }
    let blank = json!({"query": "退款", "texts": ["x", " "]});
    assert_eq!(http.post("/api/rank", &blank).json()["text"], 2);
    let unknown = json!({"sentence_a": "a", "sentence_b": "b", "model": "nonsense"});
    let unknown = http.post("/api/similarity", &unknown).json();
    assert!(
        unknown["hint"]
            .as_str()
            .unwrap()
            .contains("bge-small-zh-v1.5")
    );
}

#[test]
fn the_rest_of_the_paths_and_methods_is_refused() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let mut http = HttpConnection::tcp(&address);
    assert_eq!(http.get("/nonsense").status, 404);
    assert_eq!(http.get("/api/similarity").status, 405);
    assert_eq!(http.ask("DELETE /v1/models", &[], b"").status, 405);
    // What changes the daemon is not to be had over HTTP.
    for path in [
        "/shutdown",
        "/api/shutdown",
        "/api/use",
        "/api/status",
        "/pull",
    ] {
        assert_eq!(http.post(path, &json!({})).status, 404, "{path}");
    }
}
