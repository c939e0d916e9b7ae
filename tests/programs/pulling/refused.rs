//! What a pull refuses, and how it says so.

use std::fs;

use gte_tests::{COMMIT, Faults, Hub, Sandbox};
use serde_json::Value;

use super::{REPO, from_huggingface, pull, run, tiny};
use crate::models::{copy, gives_pytorchs_values, leftovers, rewrite};

#[test]
fn what_a_hub_answers_is_told_in_words() {
    let sandbox = Sandbox::default();
    let hub = tiny();
    let status = |status| Faults {
        status: Some(status),
        ..Faults::default()
    };
    let cases = [
        (status(404), "was not found (404)"),
        (status(401), "without permission (401 or 403)"),
        (status(403), "without permission (401 or 403)"),
        (
            status(429),
            "is rate limiting (429)\nhint: try again after 17 s\n",
        ),
        (status(500), "the server answers 500"),
        (
            Faults {
                web_page: true,
                ..Faults::default()
            },
            "is a web page, not a file",
        ),
        (
            Faults {
                redirect_loop: true,
                ..Faults::default()
            },
            "more than 10 redirects",
        ),
    ];
    for (faults, words) in cases {
        hub.misbehave(faults);
        for from in ["huggingface", "modelscope"] {
            let output = run(pull(&sandbox, &hub, &[REPO, "--from", from]));
            assert_eq!(output.code(), Some(1));
            assert!(output.stderr.contains(words), "{words}: {output:?}");
            assert!(!output.stderr.contains("secret"), "{output:?}");
        }
    }
    assert_eq!(leftovers(&sandbox), Vec::<String>::new());
    hub.misbehave(Faults::default());
    from_huggingface(&sandbox, &hub).success();
}

#[test]
fn another_architecture_is_found_out_before_its_weights_are_fetched() {
    let sandbox = Sandbox::default();
    let model = copy(&sandbox, "tiny-bert/hf", "other");
    let config = fs::read_to_string(model.join("config.json")).expect("it is there");
    let config = config.replace("\"bert\"", "\"roberta\"");
    fs::write(model.join("config.json"), config).expect("a file can be written");
    let hub = Hub::serving(&model);
    let output = from_huggingface(&sandbox, &hub);
    assert_eq!(output.code(), Some(1));
    assert!(
        output.stderr.contains("model_type is roberta"),
        "{output:?}"
    );
    assert!(!hub.requests().iter().any(|request| request.to_cdn));
}

#[test]
fn what_is_no_models_name_is_refused_before_anything_is_asked() {
    let sandbox = Sandbox::default();
    let hub = tiny();
    for (name, words) in [
        ("nonsense", "there is no model nonsense"),
        ("owner/..", "is not a repository name"),
        ("owner/", "is not a repository name"),
        ("/models/model", "is not a repository name"),
        ("a/b/c", "is not a repository name"),
    ] {
        let output = run(pull(&sandbox, &hub, &[name]));
        assert_eq!(output.code(), Some(1));
        assert!(output.stderr.contains(words), "{output:?}");
    }
    assert_eq!(hub.requests().len(), 0);
}

#[test]
fn a_list_that_names_files_outside_gets_nothing_written_there() {
    let sandbox = Sandbox::default();
    let model = copy(&sandbox, "tiny-bert/hf", "sharded");
    let files = ["model-1-of-2.safetensors", "part two.safetensors"];
    rewrite(&model, &files, str::to_owned);
    let mut map = serde_json::Map::new();
    for (place, file) in files.iter().enumerate() {
        map.insert(format!("tensor {place}"), Value::from(*file));
    }
    let index = serde_json::json!({ "weight_map": map });
    fs::write(
        model.join("model.safetensors.index.json"),
        index.to_string(),
    )
    .expect("written");
    let hub = Hub::serving(&model);
    hub.misbehave(Faults {
        listed: vec![
            "model-/../../../escaped.safetensors".to_owned(),
            "../escaped.safetensors".to_owned(),
        ],
        ..Faults::default()
    });
    for from in ["modelscope", "huggingface"] {
        run(pull(&sandbox, &hub, &[REPO, "--from", from])).success();
        gives_pytorchs_values(&sandbox, "tiny");
        sandbox.gted(&["remove", "tiny"]).success();
    }
    let requests = hub.requests();
    assert!(
        !requests
            .iter()
            .any(|request| request.line.contains("escaped"))
    );
    assert!(
        requests
            .iter()
            .any(|request| request.line.contains("part%20two.safetensors"))
    );
}

#[test]
fn another_model_of_the_same_name_is_not_taken_for_the_wanted_one() {
    let sandbox = Sandbox::default();
    let hub = tiny();
    from_huggingface(&sandbox, &hub).success();
    let other = run(pull(&sandbox, &hub, &["somebody/tiny"]));
    assert_eq!(other.code(), Some(1));
    assert!(
        other.stderr.contains(
            "another model or revision is installed as tiny, from huggingface:owner/tiny at"
        ),
        "{other:?}"
    );
    let revision = run(pull(&sandbox, &hub, &[REPO, "--revision", "v2"]));
    assert!(revision.stderr.contains("another model"), "{revision:?}");
    let commit = run(pull(&sandbox, &hub, &[REPO, "--revision", COMMIT]));
    assert!(commit.success().contains("installed already"));

    // A damaged one is replaced.
    let manifest = sandbox
        .path()
        .join(".local/share/gte/models/tiny/manifest.json");
    fs::write(&manifest, "{\"version\":").expect("a file can be written");
    let listed = sandbox.gted(&["models"]);
    assert!(
        listed
            .stderr
            .contains("the manifest of tiny cannot be read"),
        "{listed:?}"
    );
    assert!(listed.success().contains("gte-base-zh"));
    from_huggingface(&sandbox, &hub).success();
    gives_pytorchs_values(&sandbox, "tiny");
}
