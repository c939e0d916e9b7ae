//! Another model in a running daemon.

use std::io::{BufRead, BufReader, Write};

use gte_tests::{Daemon, Sandbox, fixture, wait_until};
use serde_json::Value;

use crate::models::convert;

#[test]
fn a_random_model_of_a_published_shape_goes_the_same_way_and_says_where_loading_goes() {
    let sandbox = Sandbox::default();
    let folder = sandbox.path().join("small");
    sandbox
        .gted(&["random-model", "small", folder.to_str().expect("UTF-8")])
        .success();
    convert(&sandbox, &folder, "random").success();
    let daemon = Daemon::start(&sandbox, &["--verbose"]);
    let model = || -> Value {
        let embedded = sandbox
            .run_with(&["embed", "--json"], "今天天气很好")
            .json();
        assert_eq!(embedded["embedding"].as_array().map(Vec::len), Some(512));
        embedded["model"].clone()
    };
    assert_eq!(model(), "bge-small-zh-v1.5");
    let resident = || -> u64 {
        let status = sandbox.run(&["status", "--json"]).json();
        status["resident_bytes"].as_u64().expect("a number")
    };
    let at_first = resident();
    let used = sandbox.gted(&["use", "random"]).success();
    assert_eq!(used, "random is used from now on\n");
    let parts = daemon.wait_for("time of loading");
    for part in ["tokenizer=", "map=", "convert=", "pack=", "warm_up="] {
        assert!(parts.contains(part), "{part}: {parts}");
    }
    assert_eq!(model(), "random", "without a restart");
    let status = sandbox.run(&["status", "--json"]).json();
    assert_eq!(status["model"]["builtin"], false);

    // A model that cannot be used leaves the one that is there at work.
    let refused = sandbox.gted(&["use", "gte-base-zh"]);
    assert_eq!(refused.code(), Some(1));
    assert!(
        refused.stderr.contains("gte-base-zh is not installed"),
        "{refused:?}"
    );
    assert_eq!(model(), "random");
    // What the other model needed is given back.
    sandbox.gted(&["use", "bge-small-zh-v1.5"]).success();
    wait_until("memory as at first", || resident() <= at_first + 40_000_000);
    sandbox.gted(&["use", "random"]).success();
    // And after its end, the choice holds.
    sandbox.run(&["stop"]).success();
    assert_eq!(model(), "random");
}

#[test]
fn requests_are_answered_while_another_model_is_loaded() {
    let sandbox = Sandbox::default();
    convert(&sandbox, &fixture("tiny-bert/hf"), "tiny").success();
    let _daemon = Daemon::start(&sandbox, &[]);
    let pairs: String = (0..200).map(|i| format!("第{i}句\t第{i}段\n")).collect();
    let scored = std::thread::scope(|scope| {
        let batch = scope.spawn(|| sandbox.run_with(&["batch", "--json"], &pairs).success());
        for model in ["tiny", "bge-small-zh-v1.5", "tiny", "bge-small-zh-v1.5"] {
            sandbox.gted(&["use", model]).success();
        }
        batch.join().expect("it does not panic")
    });
    assert_eq!(scored.lines().count(), 200);
    for line in scored.lines() {
        let score: Value = serde_json::from_str(line).expect("JSON");
        assert!(
            score["cosine"]
                .as_f64()
                .is_some_and(|cosine| cosine.abs() <= 1.0),
            "{line}"
        );
    }
}

#[test]
fn a_script_has_another_model_used_over_the_socket() {
    let sandbox = Sandbox::default();
    convert(&sandbox, &fixture("tiny-bert/hf"), "tiny").success();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut stream = daemon.connect(&sandbox);
    let mut lines = BufReader::new(stream.try_clone().expect("a second handle")).lines();
    let mut ask = |request: &str| -> Value {
        writeln!(stream, "{request}").expect("it can be written to");
        let line = lines.next().expect("an answer").expect("it can be read");
        serde_json::from_str(&line).expect("JSON")
    };
    let using = ask(r#"{"command":"use","model":"tiny","id":7}"#);
    assert_eq!(using["using"]["id"], "tiny");
    assert_eq!(using["using"]["dimension"], 64);
    assert_eq!(using["id"], 7);
    let scored = ask(r#"{"a":"a b","b":"b c"}"#);
    assert_eq!(scored["model"], "tiny");
    // A folder of the caller's is none of the models, nor is a path.
    let folder = fixture("tiny-bert/hf");
    for name in ["nonsense", "../tiny", "", folder.to_str().expect("UTF-8")] {
        let request = serde_json::json!({ "command": "use", "model": name });
        assert_eq!(ask(&request.to_string())["code"], "model", "{name}");
    }
    assert_eq!(ask(r#"{"a":"a b","b":"b c"}"#)["cosine"], scored["cosine"]);
}
