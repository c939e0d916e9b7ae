//! Selection of another model in a running daemon.

use gte_tests::{Daemon, GOLDEN_A, Sandbox, fixture, wait_until};

use crate::models::{convert, utf8};

const BUILTIN: &str = "bge-small-zh-v1.5";

/// Installs a random model of the shape of a published one, under the name `random`.
fn install_random_model(sandbox: &Sandbox) {
    let folder = sandbox.path().join("small");
    sandbox
        .gted(&["random-model", "small", utf8(&folder)])
        .success();
    convert(sandbox, &folder, "random").success();
}

/// Installs the tiny BERT as `tiny`.
fn install_tiny_model(sandbox: &Sandbox) {
    convert(sandbox, &fixture("tiny-bert/hf"), "tiny").success();
}

/// Embeds a text. Returns the model's name and the dimension of the vector.
fn answering_model(sandbox: &Sandbox) -> (String, Option<usize>) {
    let object = sandbox.run_with(&["embed", "--json"], GOLDEN_A).json();
    let model = object["model"].as_str().expect("the model has a name");
    let dimension = object["embedding"].as_array().map(Vec::len);
    (model.to_owned(), dimension)
}

#[test]
fn a_random_model_of_a_published_shape_can_be_used() {
    let sandbox = Sandbox::default();
    install_random_model(&sandbox);
    let daemon = Daemon::start(&sandbox, &["--verbose"]);
    assert_eq!(answering_model(&sandbox), (BUILTIN.to_owned(), Some(512)));
    let used = sandbox.gted(&["use", "random"]).success();
    assert_eq!(used, "random is used from now on\n");
    let timings = daemon.wait_for("time of loading");
    for part in ["tokenizer=", "map=", "pack=", "warm_up="] {
        assert!(timings.contains(part), "{part}: {timings}");
    }
    // Without a restart of the daemon.
    assert_eq!(answering_model(&sandbox), ("random".to_owned(), Some(512)));
    let status = sandbox.run(&["status", "--json"]).json();
    assert_eq!(status["model"]["builtin"], false);
}

#[test]
fn a_model_that_cannot_be_used_leaves_the_current_one() {
    let sandbox = Sandbox::default();
    install_tiny_model(&sandbox);
    let _daemon = Daemon::start(&sandbox, &[]);
    sandbox.gted(&["use", "tiny"]).success();
    let refused = sandbox.gted(&["use", "gte-base-zh"]);
    assert_eq!(refused.code(), Some(1));
    assert!(
        refused.stderr.contains("gte-base-zh is not installed"),
        "{refused:?}"
    );
    assert_eq!(answering_model(&sandbox), ("tiny".to_owned(), Some(64)));
}

#[test]
fn memory_of_a_replaced_model_is_returned() {
    let sandbox = Sandbox::default();
    install_random_model(&sandbox);
    let _daemon = Daemon::start(&sandbox, &["--verbose"]);
    let resident = || -> u64 {
        let status = sandbox.run(&["status", "--json"]).json();
        status["resident_bytes"].as_u64().expect("a number")
    };
    assert_eq!(answering_model(&sandbox).0, BUILTIN);
    let at_first = resident();
    sandbox.gted(&["use", "random"]).success();
    assert_eq!(answering_model(&sandbox).0, "random");
    sandbox.gted(&["use", BUILTIN]).success();
    wait_until("memory as at first", || resident() <= at_first + 40_000_000);
}

#[test]
fn the_selected_model_outlasts_the_daemon() {
    let sandbox = Sandbox::default();
    install_tiny_model(&sandbox);
    let _daemon = Daemon::start(&sandbox, &[]);
    for model in ["tiny", BUILTIN, "tiny"] {
        sandbox.gted(&["use", model]).success();
    }
    sandbox.run(&["stop"]).success();
    assert_eq!(answering_model(&sandbox).0, "tiny");
}

#[test]
fn a_script_can_select_a_model_over_the_socket() {
    let sandbox = Sandbox::default();
    install_tiny_model(&sandbox);
    let daemon = Daemon::start(&sandbox, &[]);
    let mut lines = daemon.connect_json(&sandbox);
    let using = lines.ask(r#"{"command":"use","model":"tiny","id":7}"#);
    assert_eq!(using["using"]["id"], "tiny");
    assert_eq!(using["using"]["dimension"], 64);
    assert_eq!(using["id"], 7);
    let scored = lines.ask(r#"{"a":"a b","b":"b c"}"#);
    assert_eq!(scored["model"], "tiny");
}

#[test]
fn a_script_can_select_neither_paths_nor_unknown_models() {
    let sandbox = Sandbox::default();
    install_tiny_model(&sandbox);
    let daemon = Daemon::start(&sandbox, &[]);
    let mut lines = daemon.connect_json(&sandbox);
    lines.ask(r#"{"command":"use","model":"tiny"}"#);
    let pair = r#"{"a":"a b","b":"b c"}"#;
    let before = lines.ask(pair);
    let folder = fixture("tiny-bert/hf");
    for name in ["nonsense", "../tiny", "", utf8(&folder)] {
        let request = serde_json::json!({ "command": "use", "model": name });
        let reply = lines.ask(&request.to_string());
        assert_eq!(reply["code"], "model", "{name}");
    }
    assert_eq!(lines.ask(pair)["cosine"], before["cosine"]);
}
