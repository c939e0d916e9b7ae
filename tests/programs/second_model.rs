//! Requests that name a model: it is loaded beside the one that answers, and leaves when idle.

use std::thread;

use gte_tests::{Daemon, GOLDEN_A, GOLDEN_B, Sandbox, fixture, wait_until};
use serde_json::{Value, json};

use crate::models::{convert, utf8};

const BUILTIN: &str = "bge-small-zh-v1.5";

/// Installs the tiny BERT under a name.
fn install(sandbox: &Sandbox, name: &str) {
    convert(sandbox, &fixture("tiny-bert/hf"), name).success();
}

fn status(sandbox: &Sandbox) -> Value {
    sandbox.run(&["status", "--json"]).json()
}

/// Names of the model that answers, and of the second one.
fn loaded(sandbox: &Sandbox) -> (Value, Value) {
    let status = status(sandbox);
    (
        status["model"]["id"].clone(),
        status["second_model"]["id"].clone(),
    )
}

#[test]
fn a_request_is_answered_by_the_model_that_it_names() {
    let sandbox = Sandbox::default();
    install(&sandbox, "tiny");
    let daemon = Daemon::start(&sandbox, &[]);
    let pair = ["sim", "--json", GOLDEN_A, GOLDEN_B];
    let by_default = sandbox.run(&pair).json();
    assert_eq!(loaded(&sandbox), (json!(BUILTIN), Value::Null));
    let named = |name| {
        sandbox
            .run(&[&pair[..], &["--model", name]].concat())
            .json()
    };
    let second = named("tiny");
    assert_eq!(second["model"], "tiny");
    assert_ne!(second["cosine"], by_default["cosine"]);
    assert_eq!(loaded(&sandbox), (json!(BUILTIN), json!("tiny")));
    let table = sandbox.run(&["status"]).success();
    assert!(table.contains("second_model\ttiny\n"), "{table}");
    // The one that answers may be named as well, and stays what it was.
    assert_eq!(named(BUILTIN)["cosine"], by_default["cosine"]);
    assert_eq!(sandbox.run(&pair).json()["model"], BUILTIN);
    // The other requests.
    let mut lines = daemon.connect_json(&sandbox);
    for request in [
        json!({"texts": [GOLDEN_A], "model": "tiny"}),
        json!({"pairs": [[GOLDEN_A, GOLDEN_B]], "model": "tiny"}),
        json!({"query": GOLDEN_A, "texts": [GOLDEN_B], "model": "tiny"}),
        json!({"a": GOLDEN_A, "b": GOLDEN_B, "explain": true, "model": "tiny"}),
    ] {
        let reply = lines.ask(&request.to_string());
        assert_eq!(reply["model"], "tiny", "{reply}");
        let scores = [&reply["results"][0]["cosine"], &reply["cosine"]];
        if request["texts"].is_null() || request["query"].is_string() {
            assert!(scores.contains(&&second["cosine"]), "{reply}");
        } else {
            assert_eq!(
                reply["results"][0]["embedding"].as_array().unwrap().len(),
                64
            );
        }
    }
    let lines = format!("{GOLDEN_A}\t{GOLDEN_B}\n");
    let batch = sandbox.run_with(&["batch", "--json", "--model", "tiny"], lines);
    assert_eq!(batch.json()["cosine"], second["cosine"]);
    // Selected, it gives the same score, and is no longer the second one.
    sandbox.gted(&["use", "tiny"]).success();
    assert_eq!(loaded(&sandbox), (json!("tiny"), Value::Null));
    assert_eq!(sandbox.run(&pair).json()["cosine"], second["cosine"]);
}

#[test]
fn a_model_that_cannot_be_loaded_is_refused() {
    let sandbox = Sandbox::default();
    install(&sandbox, "tiny");
    let options = ["--second-model-memory", "64MiB", "--precision", "int8"];
    let daemon = Daemon::start(&sandbox, &options);
    let sim = |name: &str| sandbox.run(&["sim", GOLDEN_A, GOLDEN_B, "--model", name]);
    sim("tiny").success();
    for (name, words) in [
        ("unheard-of", "unheard-of"),
        ("gte-base-zh", "hint: install it with `gted pull`"),
        (utf8(&fixture("tiny-bert/hf")), "tiny-bert"),
        ("../tiny", "../tiny"),
    ] {
        let refused = sim(name);
        assert_eq!(refused.code(), Some(1), "{refused:?}");
        assert!(refused.stderr.contains(words), "{refused:?}");
    }
    assert_eq!(loaded(&sandbox).1, "tiny", "none of them pushed it out");
    let folder = sandbox.path().join("small");
    sandbox
        .gted(&["random-model", "small", utf8(&folder)])
        .success();
    convert(&sandbox, &folder, "random").success();
    // A file of 61 MB, and six layers in int8.
    let refused = sim("random");
    let words = "takes 75 MiB while it is loaded; the limit of a second model is 64 MiB";
    assert!(refused.stderr.contains(words), "{refused:?}");
    assert!(
        refused.stderr.contains("hint: raise second_model_memory"),
        "{refused:?}"
    );
    assert_eq!(loaded(&sandbox).1, "tiny", "it did not push it out");
    drop(daemon);
    let _daemon = Daemon::start(&sandbox, &["--second-model-memory", "off"]);
    let refused = sim("tiny");
    assert!(
        refused.stderr.contains("only the selected one answers"),
        "{refused:?}"
    );
    sim(BUILTIN).success();
}

#[test]
fn an_idle_second_model_is_unloaded() {
    let sandbox = Sandbox::default();
    install(&sandbox, "tiny");
    let daemon = Daemon::start(&sandbox, &["--idle-unload", "1s"]);
    let sim = ["sim", "--json", GOLDEN_A, GOLDEN_B, "--model", "tiny"];
    let first = sandbox.run(&sim).json();
    daemon.wait_for("second model unloaded");
    wait_until("no second model", || loaded(&sandbox).1.is_null());
    let again = sandbox.run(&sim).json();
    assert_eq!(again["cosine"], first["cosine"]);
}

#[test]
fn clients_that_name_three_models_are_all_answered() {
    let sandbox = Sandbox::default();
    install(&sandbox, "tiny");
    install(&sandbox, "other");
    let daemon = Daemon::start(&sandbox, &[]);
    let ask = |name: &'static str| {
        let mut lines = daemon.connect_json(&sandbox);
        move || {
            for index in 0..20 {
                let texts = json!({"texts": [format!("{index}")], "model": name});
                let reply = lines.ask(&texts.to_string());
                assert_eq!(reply["model"], name, "{reply}");
            }
        }
    };
    let names = ["tiny", "other", BUILTIN, "tiny", "other"];
    let clients = names.map(|name| thread::spawn(ask(name)));
    for client in clients {
        client.join().unwrap();
    }
    let second = loaded(&sandbox).1;
    assert!(second == "tiny" || second == "other", "{second}");
}
