//! Requests, replies and errors of the JSON protocol.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::process::Command;

use gte_tests::{Daemon, GOLDEN_A, GOLDEN_B, Output, Sandbox, has_golden_score};
use serde_json::{Value, json};

#[test]
fn a_json_pair_gets_its_score() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut connection = daemon.connect_json(&sandbox);
    let reply = connection.ask(&json!({"a": GOLDEN_A, "b": GOLDEN_B}).to_string());
    assert!(has_golden_score(&reply["similarity"].to_string()));
    assert_eq!(reply["interpretation"], "高度相似");
    let text = json!({"tokens": 8, "total_tokens": 8, "truncated": false, "unknown": 0});
    assert_eq!(reply["a"], text);
    assert_eq!(reply["model"], "bge-small-zh-v1.5");
}

#[test]
fn json_pairs_get_results_and_the_id_of_the_request() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut connection = daemon.connect_json(&sandbox);
    let pairs = json!({"pairs": [[GOLDEN_A, GOLDEN_B], [GOLDEN_A, GOLDEN_A]], "id": "x"});
    let reply = connection.ask(&pairs.to_string());
    assert_eq!(reply["id"], "x");
    let results = &reply["results"];
    assert!(has_golden_score(&results[0]["similarity"].to_string()));
    assert_eq!(results[1]["cosine"], 1.0);
}

#[test]
fn a_json_query_gets_its_ranking() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut connection = daemon.connect_json(&sandbox);
    let query = json!({"query": GOLDEN_A, "texts": ["退款", GOLDEN_B]});
    let reply = connection.ask(&query.to_string());
    let hits = reply["results"].as_array().expect("the results are a list");
    let order: Vec<&Value> = hits.iter().map(|hit| &hit["index"]).collect();
    assert_eq!(order, [1, 0]);
}

#[test]
fn json_texts_get_their_vectors() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut connection = daemon.connect_json(&sandbox);
    let reply = connection.ask(&json!({"texts": [GOLDEN_A]}).to_string());
    let vector = reply["results"][0]["embedding"].as_array();
    assert_eq!(vector.map(Vec::len), Some(512));
    assert_eq!(reply["dimension"], 512);
    assert_eq!(reply["pooling"], "cls");
}

#[test]
fn a_json_command_gets_the_status() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut connection = daemon.connect_json(&sandbox);
    let reply = connection.ask(r#"{"command":"status"}"#);
    let threads = reply["status"]["threads"].as_u64();
    assert_eq!(threads.map(|threads| threads > 0), Some(true));
}

#[test]
fn json_errors_are_objects_on_a_connection_that_stays_usable() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut connection = daemon.connect_json(&sandbox);
    let cases = [
        (json!({"a": GOLDEN_A}).to_string(), "bad_request"),
        (json!({"a": GOLDEN_A, "b": " "}).to_string(), "blank_text"),
        (
            json!({"texts": vec!["乙"; 10_000]}).to_string(),
            "too_large",
        ),
        ("no json at all".to_owned(), "bad_request"),
        ("{".to_owned(), "bad_request"),
        ("[1,2]".to_owned(), "bad_request"),
    ];
    let pair = json!({"a": GOLDEN_A, "b": GOLDEN_B}).to_string();
    // The first byte selects the protocol, so the first line has to begin with a brace.
    connection.ask(&pair);
    for (line, code) in cases {
        let reply = connection.ask(&line);
        assert_eq!(reply["code"], code, "{line}");
        assert!(reply["error"].is_string());
    }
    let reply = connection.ask(&json!({"a": GOLDEN_A, "b": " ", "id": 9}).to_string());
    assert_eq!([&reply["text"], &reply["id"]], [1, 9]);
    let reply = connection.ask(&pair);
    assert!(has_golden_score(&reply["similarity"].to_string()));
}

#[test]
fn a_last_line_without_line_feed_is_answered() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut stream = daemon.connect(&sandbox);
    write!(stream, "{{\"a\":\"{GOLDEN_A}\",\"b\":\"{GOLDEN_B}\"}}").expect("a line can be sent");
    stream
        .shutdown(Shutdown::Write)
        .expect("one side can be closed");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("the daemon replies and closes the connection");
    assert!(
        answer.ends_with("}\n") && has_golden_score(&answer),
        "{answer}"
    );
}

#[test]
fn the_readmes_socat_line_waits_for_a_long_answer() {
    let is_there = |program: &str| Command::new(program).arg("-V").output().is_ok();
    if !is_there("socat") {
        eprintln!("NOT RUN: the README's line, no socat");
        return;
    }
    let sandbox = Sandbox::default();
    let _daemon = Daemon::start(&sandbox, &[]);
    // Some seconds of work.
    let text = |n: usize| format!("第{n}条：{}", "退款流程说明".repeat(40));
    let texts: Vec<String> = (0..400).map(text).collect();
    let request = json!({ "texts": texts }).to_string() + "\n";
    let readme = include_str!("../../../README.md");
    let mut lines = readme.lines();
    let line = lines
        .find(|line| line.contains("| socat "))
        .expect("the README has it");
    let (_, line) = line.split_once("| ").expect("it is a pipe");
    let place = "$XDG_RUNTIME_DIR/gte/gted.sock";
    assert!(line.contains(place), "{line}");
    let line = line.replace(place, sandbox.socket().to_str().expect("UTF-8"));
    let output = Output::with_stdin(Command::new("sh").args(["-c", &line]), request);
    let reply: Value = serde_json::from_str(&output.stdout).expect("a whole reply");
    assert_eq!(reply["results"].as_array().map(Vec::len), Some(400));
}
