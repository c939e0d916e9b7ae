//! The routes of OpenAI's API.

use gte_tests::{Daemon, HttpConnection, Sandbox};
use serde_json::{Value, json};

/// Values of a vector in base64.
fn decode(base64: &str) -> Vec<f32> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => panic!("not base64"),
    };
    let text = base64.trim_end_matches('=').as_bytes();
    let bytes: Vec<u8> = text
        .chunks(4)
        .flat_map(|chunk| {
            let bits = chunk
                .iter()
                .fold(0_u32, |bits, c| bits << 6 | u32::from(value(*c)));
            let bits = bits << (6 * (4 - chunk.len()));
            bits.to_be_bytes()[1..chunk.len()].to_vec()
        })
        .collect();
    let values = bytes.as_chunks().0;
    values
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect()
}

fn numbers(list: &Value) -> Vec<f32> {
    serde_json::from_value(list.clone()).expect("numbers")
}

#[test]
fn vectors_are_those_of_the_command_in_both_forms() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let texts = ["退款流程", "怎么申请退款？"];
    let rows = sandbox
        .run_with(&["embed", "--json"], texts.join("\n"))
        .json_lines();
    let expected: Vec<Vec<f32>> = rows.iter().map(|row| numbers(&row["embedding"])).collect();
    let mut http = HttpConnection::tcp(&address);
    for path in ["/v1/embeddings", "/embeddings"] {
        let body = json!({"input": texts, "model": "BAAI/bge-small-zh-v1.5", "user": "x"});
        let reply = http.post(path, &body).json();
        assert_eq!(reply["object"], "list");
        assert_eq!(reply["model"], "bge-small-zh-v1.5");
        let tokens = json!({"prompt_tokens": 15, "total_tokens": 15});
        assert_eq!(reply["usage"], tokens);
        let data = reply["data"].as_array().unwrap();
        let floats: Vec<_> = data.iter().map(|of| numbers(&of["embedding"])).collect();
        assert_eq!(floats, expected);
        assert_eq!(data[1]["index"], 1);
        assert_eq!(data[1]["object"], "embedding");
        let mut body = body;
        body["encoding_format"] = "base64".into();
        let reply = http.post(path, &body).json();
        let data = reply["data"].as_array().unwrap();
        let bytes = data
            .iter()
            .map(|of| decode(of["embedding"].as_str().unwrap()));
        assert_eq!(bytes.collect::<Vec<_>>(), expected);
    }
    let one = http
        .post("/v1/embeddings", &json!({"input": texts[0]}))
        .json();
    assert_eq!(numbers(&one["data"][0]["embedding"]), expected[0]);
}

#[test]
fn errors_have_the_form_that_clients_read() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let mut http = HttpConnection::tcp(&address);
    for (body, status, code, words) in [
        (
            json!({"input": [1, 2]}),
            400,
            "bad_request",
            "check_embedding_ctx_length=False",
        ),
        (
            json!({"input": [[1], [2]]}),
            400,
            "bad_request",
            "check_embedding_ctx_length=False",
        ),
        (json!({"input": []}), 400, "bad_request", "empty"),
        (json!({"input": ""}), 400, "blank_text", "blank"),
        (json!({}), 400, "bad_request", "input"),
        (
            json!({"input": "x", "dimensions": 7}),
            400,
            "bad_request",
            "512",
        ),
        (
            json!({"input": "x", "encoding_format": "hex"}),
            400,
            "bad_request",
            "column",
        ),
        (
            json!({"input": "x", "model": "gpt"}),
            404,
            "model_not_found",
            "bge-small-zh-v1.5",
        ),
    ] {
        let reply = http.post("/v1/embeddings", &body);
        let error = reply.json()["error"].clone();
        assert_eq!(reply.status, status, "{body}: {error}");
        assert_eq!(error["code"], code, "{body}");
        assert_eq!(error["type"], "invalid_request_error");
        assert!(
            error["message"].as_str().unwrap().contains(words),
            "{error}"
        );
    }
    assert_eq!(
        http.post("/v1/embeddings", &json!({"input": "x", "dimensions": 512}))
            .status,
        200
    );
}

#[test]
fn models_are_listed_and_the_selected_one_has_aliases() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &["--model-aliases", "small,other"]);
    let mut http = HttpConnection::tcp(&address);
    let list = http.get("/v1/models").json();
    assert_eq!(list["object"], "list");
    let first = json!({"id": "bge-small-zh-v1.5", "object": "model", "owned_by": "gte"});
    assert_eq!(list["data"], json!([first]));
    for name in [
        "",
        "small",
        "other",
        "bge-small-zh-v1.5",
        "BAAI/bge-small-zh-v1.5",
    ] {
        let body = json!({"input": "x", "model": name});
        assert_eq!(http.post("/v1/embeddings", &body).status, 200, "{name}");
    }
}

#[test]
fn two_thousand_texts_at_a_time_are_answered() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let mut http = HttpConnection::tcp(&address);
    let texts: Vec<String> = (0..2048).map(|n| format!("工单{}", n % 7)).collect();
    let body = json!({"input": texts, "encoding_format": "base64"});
    let reply = http.post("/v1/embeddings", &body);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["data"].as_array().unwrap().len(), 2048);
}
