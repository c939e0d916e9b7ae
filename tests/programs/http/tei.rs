//! The routes of text-embeddings-inference.

use gte_tests::{Daemon, HttpConnection, Sandbox};
use serde_json::json;

#[test]
fn vectors_and_cosines_have_the_form_of_that_program() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let mut http = HttpConnection::tcp(&address);
    let texts = json!(["退款流程", "怎么申请退款？"]);
    let openai = http.post("/v1/embeddings", &json!({"input": texts})).json();
    let expected = json!([
        openai["data"][0]["embedding"],
        openai["data"][1]["embedding"]
    ]);
    let body = json!({"inputs": texts, "truncate": true, "normalize": true});
    assert_eq!(http.post("/embed", &body).json(), expected);
    assert_eq!(http.post("/", &body).json(), expected);
    let one = http.post("/embed", &json!({"inputs": "退款流程"})).json();
    assert_eq!(one, json!([expected[0]]), "always a list of lists");
    let inputs =
        json!({"source_sentence": "退款", "sentences": ["今天天气不错", "怎么申请退款？"]});
    let cosines = http.post("/similarity", &json!({"inputs": inputs})).json();
    assert_eq!(http.post("/", &json!({"inputs": inputs})).json(), cosines);
    // In the order of the request, not the best first.
    let ranking = http.post(
        "/api/rank",
        &json!({"query": "退款", "texts": ["今天天气不错", "怎么申请退款？"]}),
    );
    let ranking = ranking.json();
    assert_eq!(ranking["results"][0]["index"], 1);
    assert_eq!(
        cosines,
        json!([
            ranking["results"][1]["cosine"],
            ranking["results"][0]["cosine"]
        ])
    );
}

#[test]
fn what_is_not_supported_is_refused() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let mut http = HttpConnection::tcp(&address);
    let pair = json!({"source_sentence": "a", "sentences": ["b"]});
    let long = "好".repeat(600);
    for (path, body, status, kind) in [
        (
            "/embed",
            json!({"inputs": "x", "normalize": false}),
            400,
            "Validation",
        ),
        (
            "/embed",
            json!({"inputs": "x", "prompt_name": "query"}),
            400,
            "Validation",
        ),
        (
            "/embed",
            json!({"inputs": "x", "dimensions": 7}),
            400,
            "Validation",
        ),
        ("/embed", json!({"inputs": pair}), 400, "Validation"),
        ("/similarity", json!({"inputs": "x"}), 400, "Validation"),
        ("/embed", json!({"inputs": " "}), 400, "Empty"),
        (
            "/embed",
            json!({"inputs": long, "truncate": false}),
            413,
            "Validation",
        ),
        (
            "/embed",
            json!({"inputs": "x", "parameters": {"normalize": false}}),
            400,
            "Validation",
        ),
        (
            "/embed",
            json!({"inputs": "x", "truncate": true, "parameters": {"truncate": false}}),
            400,
            "Validation",
        ),
        (
            "/similarity",
            json!({"inputs": pair, "dimensions": 7}),
            400,
            "Validation",
        ),
        (
            "/similarity",
            json!({"inputs": pair, "parameters": {"prompt_name": "query"}}),
            400,
            "Validation",
        ),
    ] {
        let reply = http.post(path, &body);
        let error = reply.json();
        assert_eq!(reply.status, status, "{path} {body}: {error}");
        assert_eq!(error["error_type"], kind, "{body}");
        assert!(error["error"].is_string());
    }
    assert_eq!(http.post("/embed", &json!({"inputs": long})).status, 200);
}

#[test]
fn info_tells_model_and_limits() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let mut http = HttpConnection::tcp(&address);
    let info = http.get("/info").json();
    assert_eq!(info["model_id"], "bge-small-zh-v1.5");
    assert_eq!(info["max_input_length"], 512);
    assert_eq!(info["model_type"], json!({"embedding": {"pooling": "cls"}}));
    let batch = info["max_client_batch_size"].as_u64().unwrap();
    let texts = vec!["退款"; usize::try_from(batch).unwrap()];
    assert_eq!(http.post("/embed", &json!({"inputs": texts})).status, 200);
}

#[test]
fn tokens_are_cut_out_of_the_text_by_their_offsets() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let mut http = HttpConnection::tcp(&address);
    let texts = ["我的iPhone坏了😀", "退款。"];
    let lists = http.post("/tokenize", &json!({"inputs": texts})).json();
    for (text, tokens) in texts.iter().zip(lists.as_array().unwrap()) {
        let characters: Vec<char> = text.chars().collect();
        let tokens = tokens.as_array().unwrap();
        let (first, last) = (&tokens[0], &tokens[tokens.len() - 1]);
        assert_eq!(first["text"], "[CLS]");
        assert_eq!(last["special"], true);
        assert!(first["start"].is_null() && first["stop"].is_null());
        for token in &tokens[1..tokens.len() - 1] {
            let place = |key: &str| usize::try_from(token[key].as_u64().unwrap()).unwrap();
            let part: String = characters[place("start")..place("stop")].iter().collect();
            assert_eq!(token["text"], part);
            assert_eq!(token["special"], false);
        }
    }
    let body = json!({"inputs": "退款", "add_special_tokens": false});
    assert_eq!(
        http.post("/tokenize", &body).json()[0]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    // A text is not cut, and one without tokens has two of them.
    let long = http
        .post("/tokenize", &json!({"inputs": "好".repeat(2000)}))
        .json();
    assert_eq!(long[0].as_array().unwrap().len(), 2002);
    assert_eq!(http.post("/tokenize", &json!({"inputs": ""})).status, 200);
    let huge = vec!["好"; 400_000];
    assert_eq!(http.post("/tokenize", &json!({"inputs": huge})).status, 413);
}
