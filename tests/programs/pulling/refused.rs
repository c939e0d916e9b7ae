//! Pulls that are refused, and their messages.

use std::fs;

use gte_tests::{COMMIT, Faults, Hub, Sandbox};
use serde_json::Value;

use super::pull::{REPO, assert_installs, from_huggingface, run_pull, tiny_hub};
use crate::models::{assert_matches_pytorch, copy_fixture, installed_entries, rewrite_weights};

#[test]
fn errors_of_a_hub_are_named_without_the_token() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    let web_page = Faults {
        web_page: true,
        ..Faults::default()
    };
    let redirect_loop = Faults {
        redirect_loop: true,
        ..Faults::default()
    };
    let cases = [
        (Faults::status(404), "was not found (404)"),
        (Faults::status(401), "without permission (401 or 403)"),
        (Faults::status(403), "without permission (401 or 403)"),
        (
            Faults::status(429),
            "is rate limiting (429)\nhint: try again after 17 s\n",
        ),
        (Faults::status(500), "the server answers 500"),
        (web_page, "is a web page, not a file"),
        (redirect_loop, "more than 10 redirects"),
    ];
    for (faults, words) in cases {
        hub.set_faults(faults);
        for from in ["huggingface", "modelscope"] {
            let output = run_pull(&sandbox, &hub, &[REPO, "--from", from]);
            assert_eq!(output.code(), Some(1));
            assert!(output.stderr.contains(words), "{words}: {output:?}");
            assert!(!output.stderr.contains("secret"), "{output:?}");
        }
    }
    assert_eq!(installed_entries(&sandbox), Vec::<String>::new());
    hub.clear_faults();
    from_huggingface(&sandbox, &hub).success();
}

#[test]
fn another_architecture_is_refused_before_its_weights() {
    let sandbox = Sandbox::default();
    let model = copy_fixture(&sandbox, "tiny-bert/hf", "other");
    let config = model.join("config.json");
    let changed = fs::read_to_string(&config).expect("the configuration exists");
    let changed = changed.replace("\"bert\"", "\"roberta\"");
    fs::write(&config, changed).expect("a file can be written");
    let hub = Hub::serving(&model);
    let output = from_huggingface(&sandbox, &hub);
    assert_eq!(output.code(), Some(1));
    assert!(
        output.stderr.contains("model_type is roberta"),
        "{output:?}"
    );
    assert!(!hub.take_requests().iter().any(|request| request.to_cdn));
}

#[test]
fn names_of_no_model_are_refused_before_any_request() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    for (name, words) in [
        ("nonsense", "unknown model nonsense"),
        ("owner/..", "is not a repository name"),
        ("owner/", "is not a repository name"),
        ("/models/model", "is not a repository name"),
        ("a/b/c", "is not a repository name"),
    ] {
        let output = run_pull(&sandbox, &hub, &[name]);
        assert_eq!(output.code(), Some(1));
        assert!(output.stderr.contains(words), "{output:?}");
    }
    assert_eq!(hub.take_requests().len(), 0);
}

#[test]
fn listed_paths_outside_the_repository_are_not_requested() {
    let sandbox = Sandbox::default();
    let model = copy_fixture(&sandbox, "tiny-bert/hf", "sharded");
    let files = ["model-1-of-2.safetensors", "part two.safetensors"];
    rewrite_weights(&model, &files, str::to_owned);
    let mut map = serde_json::Map::new();
    for (index, file) in files.iter().enumerate() {
        map.insert(format!("tensor {index}"), Value::from(*file));
    }
    let index = serde_json::json!({ "weight_map": map }).to_string();
    fs::write(model.join("model.safetensors.index.json"), index).expect("a file can be written");
    let hub = Hub::serving(&model);
    hub.set_faults(Faults {
        listed: vec![
            "model-/../../../escaped.safetensors".to_owned(),
            "../escaped.safetensors".to_owned(),
        ],
        ..Faults::default()
    });
    for from in ["modelscope", "huggingface"] {
        run_pull(&sandbox, &hub, &[REPO, "--from", from]).success();
        assert_matches_pytorch(&sandbox, "tiny");
        sandbox.gted(&["remove", "tiny"]).success();
    }
    let requests = hub.take_requests();
    let requested = |words: &str| requests.iter().any(|request| request.line.contains(words));
    assert!(!requested("escaped"));
    assert!(requested("part%20two.safetensors"));
}

#[test]
fn another_repository_of_the_same_name_is_refused() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    from_huggingface(&sandbox, &hub).success();
    let other = run_pull(&sandbox, &hub, &["somebody/tiny"]);
    assert_eq!(other.code(), Some(1));
    assert!(
        other.stderr.contains(
            "another model or revision is installed as tiny, from huggingface:owner/tiny at"
        ),
        "{other:?}"
    );
}

#[test]
fn another_revision_than_the_installed_one_is_refused() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    from_huggingface(&sandbox, &hub).success();
    let revision = run_pull(&sandbox, &hub, &[REPO, "--revision", "v2"]);
    assert!(revision.stderr.contains("another model"), "{revision:?}");
    let commit = run_pull(&sandbox, &hub, &[REPO, "--revision", COMMIT]);
    assert!(commit.success().contains("installed already"));
}

#[test]
fn a_damaged_installation_is_named_and_replaced() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    from_huggingface(&sandbox, &hub).success();
    let manifest = sandbox.models().join("tiny/manifest.json");
    fs::write(&manifest, "{\"version\":").expect("a file can be written");
    let listed = sandbox.gted(&["models"]);
    assert!(
        listed
            .stderr
            .contains("the manifest of tiny cannot be read"),
        "{listed:?}"
    );
    assert!(listed.success().contains("gte-base-zh"));
    assert_installs(&sandbox, &hub);
}
