//! Names of models: the catalog's belong to the catalog's publications. Nothing that a model or a
//! mirror says reaches the terminal as it is.

use std::fs;

use gte_tests::{Hub, Sandbox, fixture};
use serde_json::Value;

use super::pull::{run_pull, tiny_hub};
use crate::models::{convert, copy_fixture, installed_entries, utf8};

const BUILTIN: &str = "bge-small-zh-v1.5";

/// Name of the model that a daemon would use.
fn default(sandbox: &Sandbox) -> Value {
    let rows = sandbox.gted(&["models", "--json"]).json();
    let rows = rows.as_array().expect("the rows are a list");
    let row = rows.iter().find(|row| row["default"] == true);
    row.map_or(Value::Null, |row| row["name"].clone())
}

/// Asserts that the built-in model is the default, and answers.
fn assert_builtin_answers(sandbox: &Sandbox) {
    assert_eq!(default(sandbox), BUILTIN);
    let scored = sandbox.run(&["sim", "甲", "乙", "--json"]).json();
    assert_eq!(scored["model"], BUILTIN);
    assert_eq!(
        sandbox.run(&["status", "--json"]).json()["model"]["builtin"],
        true
    );
}

#[test]
fn a_repository_of_somebody_takes_no_name_of_the_catalog() {
    let sandbox = Sandbox::default();
    for name in ["gte-base-zh", BUILTIN] {
        let repo = format!("somebody/{name}");
        let arguments = [repo.as_str(), "--from", "huggingface"];
        let pulled = run_pull(&sandbox, &tiny_hub(), &arguments).success();
        let own = format!("somebody--{name}");
        assert!(pulled.contains(&format!("{own} is installed")), "{pulled}");
        assert!(sandbox.models().join(&own).exists());
    }
    assert_builtin_answers(&sandbox);
}

#[test]
fn a_folder_cannot_be_called_as_the_builtin_model() {
    let sandbox = Sandbox::default();
    let folder = copy_fixture(&sandbox, "tiny-bert/hf", BUILTIN);
    for refused in [
        sandbox.gted(&["convert", utf8(&folder)]),
        convert(&sandbox, &fixture("tiny-bert/hf"), BUILTIN),
        run_pull(&sandbox, &tiny_hub(), &[BUILTIN, "--from", utf8(&folder)]),
    ] {
        assert_eq!(refused.code(), Some(1), "{refused:?}");
        let words = "is the name of the built-in model";
        assert!(refused.stderr.contains(words), "{refused:?}");
        assert!(refused.stderr.contains("hint: "), "{refused:?}");
    }
    assert_eq!(installed_entries(&sandbox), Vec::<String>::new());
}

#[test]
fn a_name_that_an_earlier_version_gave_away_is_not_used() {
    let sandbox = Sandbox::default();
    for name in ["gte-base-zh", BUILTIN] {
        convert(&sandbox, &fixture("tiny-bert/hf"), "tiny").success();
        let folder = sandbox.models().join(name);
        fs::rename(sandbox.models().join("tiny"), &folder).expect("a folder can be renamed");
        let path = folder.join("manifest.json");
        let json = fs::read(&path).expect("the manifest exists");
        let mut manifest: Value = serde_json::from_slice(&json).expect("it is JSON");
        manifest["name"] = name.into();
        manifest["origin"]["source"] = format!("huggingface:somebody/{name}").into();
        fs::write(&path, manifest.to_string()).expect("a file can be written");
    }
    assert_builtin_answers(&sandbox);
    let verified = sandbox.gted(&["verify", "gte-base-zh"]);
    assert_eq!(verified.code(), Some(1), "{verified:?}");
}

#[test]
fn a_password_of_a_mirror_is_kept_nowhere() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    let with_password = |endpoint: &str| endpoint.replace("http://", "http://me:pass%40word@");
    let mirror = with_password(&hub.endpoint());
    let pulled = run_pull(&sandbox, &hub, &["owner/tiny", "--from", &mirror]);
    assert!(!format!("{pulled:?}").contains("word"), "{pulled:?}");
    pulled.success();
    let manifest = fs::read_to_string(sandbox.models().join("tiny/manifest.json"));
    let manifest = manifest.expect("the manifest exists");
    assert!(manifest.contains(&hub.endpoint()), "{manifest}");
    assert!(!manifest.contains("word"), "{manifest}");
    // Mirrors that do not answer.
    for nowhere in ["http://127.0.0.1:1", "http://nowhere.invalid", "http://["] {
        let mirror = with_password(nowhere);
        for from in [&["--from", mirror.as_str()][..], &[]] {
            let arguments = [&["owner/other"], from].concat();
            let mut pull = super::pull::pull(&sandbox, &hub, &arguments);
            pull.env("HF_ENDPOINT", &mirror);
            pull.env("MODELSCOPE_ENDPOINT", &mirror);
            let failed = gte_tests::Output::of(&mut pull);
            assert_eq!(failed.code(), Some(1), "{failed:?}");
            assert!(!failed.stderr.contains("word"), "{failed:?}");
        }
    }
}

#[test]
fn what_a_model_says_is_escaped() {
    let sandbox = Sandbox::default();
    let folder = copy_fixture(&sandbox, "tiny-bert/hf", "model");
    let path = folder.join("config.json");
    let config = fs::read_to_string(&path).expect("the file exists");
    let hostile = r#""hidden_act": "\u001b[2J\nhint: run this""#;
    let config = config.replace(r#""hidden_act": "gelu""#, hostile);
    assert!(config.contains("run this"));
    fs::write(&path, config).expect("a file can be written");
    let refused = convert(&sandbox, &folder, "model");
    assert_eq!(refused.code(), Some(1), "{refused:?}");
    assert!(refused.stderr.contains("run this"), "{refused:?}");
    assert!(!refused.stderr.contains('\u{1b}'), "{refused:?}");
    let hints = |line: &&str| line.starts_with("hint: run this");
    assert_eq!(refused.stderr.lines().find(hints), None, "{refused:?}");
}

#[test]
fn a_retry_time_of_a_hub_is_escaped() {
    let sandbox = Sandbox::default();
    let hub = Hub::serving(&fixture("tiny-bert/hf"));
    hub.set_faults(gte_tests::Faults {
        status: Some(429),
        retry_after: Some("\u{1b}]0;owned\u{7}"),
        ..gte_tests::Faults::default()
    });
    let refused = run_pull(&sandbox, &hub, &["owner/tiny", "--from", "huggingface"]);
    assert_eq!(refused.code(), Some(1), "{refused:?}");
    assert!(!refused.stderr.contains('\u{1b}'), "{refused:?}");
}
