//! Models listed, selected and removed.

use gte_tests::{GOLDEN_A, GOLDEN_B, Output, Sandbox, fixture};
use serde_json::Value;

use super::setup::{convert, installed_entries};

const BUILTIN: &str = "bge-small-zh-v1.5";

/// The row of a model in `gted models --json`, or null.
fn row(sandbox: &Sandbox, name: &str) -> Value {
    let rows = sandbox.gted(&["models", "--json"]).json();
    let rows = rows.as_array().expect("the rows are a list").clone();
    let found = rows.into_iter().find(|row| row["name"] == name);
    found.unwrap_or(Value::Null)
}

/// Installs the tiny BERT under a name.
fn install(sandbox: &Sandbox, name: &str) {
    convert(sandbox, &fixture("tiny-bert/hf"), name).success();
}

#[test]
fn models_lists_the_catalog_and_the_default() {
    let sandbox = Sandbox::default();
    assert_eq!(row(&sandbox, BUILTIN)["default"], true);
    assert_eq!(row(&sandbox, "gte-base-zh")["installed"], false);
    assert_eq!(row(&sandbox, "gte-base-zh")["license"], "Apache-2.0");
    assert_eq!(row(&sandbox, "tiny"), Value::Null);
}

#[test]
fn an_installed_model_is_listed_but_not_selected() {
    let sandbox = Sandbox::default();
    install(&sandbox, "tiny");
    assert_eq!(row(&sandbox, "tiny")["installed"], true);
    assert_eq!(row(&sandbox, "tiny")["default"], false);
}

#[test]
fn the_preferred_model_is_selected_once_it_is_installed() {
    let sandbox = Sandbox::default();
    install(&sandbox, "tiny");
    install(&sandbox, "gte-base-zh");
    assert_eq!(row(&sandbox, "gte-base-zh")["default"], true);
    let object = sandbox.run(&["sim", "今天", "明天", "--json"]).json();
    assert_eq!(object["model"], "gte-base-zh");
}

#[test]
fn use_selects_an_installed_or_the_builtin_model() {
    let sandbox = Sandbox::default();
    install(&sandbox, "tiny");
    install(&sandbox, "gte-base-zh");
    for name in ["tiny", BUILTIN, "tiny"] {
        sandbox.gted(&["use", name]).success();
        assert_eq!(row(&sandbox, name)["default"], true);
    }
}

#[test]
fn removing_the_selected_model_removes_the_selection() {
    let sandbox = Sandbox::default();
    install(&sandbox, "tiny");
    install(&sandbox, "gte-base-zh");
    sandbox.gted(&["use", "tiny"]).success();
    sandbox.gted(&["remove", "tiny"]).success();
    assert_eq!(row(&sandbox, "tiny"), Value::Null);
    assert_eq!(row(&sandbox, "gte-base-zh")["default"], true);
    sandbox.gted(&["remove", "gte-base-zh"]).success();
    assert_eq!(installed_entries(&sandbox), Vec::<String>::new());
    let again = sandbox.gted(&["remove", "tiny"]);
    assert_eq!(again.code(), Some(1));
    assert!(again.stderr.contains("tiny is not installed"), "{again:?}");
}

#[test]
fn commands_refuse_models_that_are_not_installed() {
    let sandbox = Sandbox::default();
    for (arguments, words) in [
        (["remove", "tiny"], "tiny is not installed"),
        (["remove", BUILTIN], "part of the program"),
        (["use", "gte-base-zh"], "gte-base-zh is not installed"),
        (["use", "nonsense"], "unknown model nonsense"),
        (["verify", "nonsense"], "nonsense is not installed"),
    ] {
        let output = sandbox.gted(&arguments);
        assert_eq!(output.code(), Some(1));
        assert!(output.stderr.contains(words), "{output:?}");
    }
}

#[test]
fn the_builtin_model_answers_without_a_home() {
    let sandbox = Sandbox::default();
    let mut gte = sandbox.gte(&["sim", GOLDEN_A, GOLDEN_B]);
    Output::of(gte.env_remove("HOME")).success();
}
