//! Files of a model with other content: defaults, special tokens, pointers, links, other formats.

use std::fs;

use serde_json::{Value, json};

use crate::layouts::{changed, ids_of_lower, load, load_from, refusal, with};
use crate::read;

#[test]
fn special_tokens_may_be_objects_and_must_be_there() {
    let token = |text: &str| json!({"__type": "AddedToken", "content": text, "lstrip": false});
    let rules =
        json!({"unk_token": token("[UNK]"), "cls_token": token("[CLS]"), "do_lower_case": null});
    let from_vocabulary = load(&[
        ("tokenizer.json", Value::Null),
        (
            "tokenizer_config.json",
            with("tokenizer_config.json", &rules),
        ),
    ]);
    assert_eq!(
        from_vocabulary.tokenizer.ids("abc").unwrap().to_vec(),
        ids_of_lower()
    );
    let vocabulary = fs::read_to_string(gte_tests::fixture("tiny-bert/hf/vocab.txt")).unwrap();
    let without = vocabulary.replace("[UNK]\n", "[unused]\n");
    let message = refusal(&[
        ("tokenizer.json", Value::Null),
        ("vocab.txt", json!(without)),
    ]);
    assert!(message.contains("no token [UNK]"), "{message}");
    let mut json: Value = read(&gte_tests::fixture("tiny-bert/hf/tokenizer.json"));
    // As in an old model, whose tokens no file but this one names.
    let unstated = with(
        "tokenizer_config.json",
        &json!({"cls_token": null, "sep_token": null}),
    );
    load(&[("tokenizer_config.json", unstated)]);
    let stated = with("tokenizer_config.json", &json!({"cls_token": "[PAD]"}));
    let message = refusal(&[("tokenizer_config.json", stated)]);
    assert!(
        message.contains("tokenizer_config.json states [PAD]"),
        "{message}"
    );
    let mut wrong = json.clone();
    wrong["post_processor"] =
        json!({"type": "BertProcessing", "sep": ["[SEP]", 5], "cls": ["[CLS]", 2]});
    let message = refusal(&[("tokenizer.json", wrong)]);
    assert!(message.contains("which is not its id"), "{message}");
    json["model"]["unk_token"] = json!("[NONE]");
    let message = refusal(&[("tokenizer.json", json)]);
    assert!(message.contains("no token [NONE]"), "{message}");
}

#[test]
fn sizes_and_names_that_are_not_stated_are_berts_own() {
    let bare = json!({"layer_norm_eps": null, "type_vocab_size": null, "hidden_act": null,
        "position_embedding_type": null, "model_type": null, "architectures": ["BertModel"]});
    load(&[("config.json", with("config.json", &bare))]);
    load(&[(
        "config.json",
        with("config.json", &json!({"hidden_act": "gelu_python"})),
    )]);
    for (key, value) in [
        ("position_embedding_type", "relative_key"),
        ("hidden_act", "gelu_new"),
        ("hidden_act", "relu"),
    ] {
        let message = refusal(&[("config.json", with("config.json", &json!({key: value})))]);
        assert!(message.contains(&format!("{key} is {value}")), "{message}");
    }
    let fewer = with("config.json", &json!({"type_vocab_size": 1}));
    let message = refusal(&[("config.json", fewer)]);
    let expected = "token_type_embeddings.weight has the shape [2, 64], expected [1, 64]";
    assert!(message.contains(expected), "{message}");
}

#[test]
fn other_files_in_place_of_a_file_are_told() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 95823704\n";
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        let message = refusal(&[(file, json!(pointer))]);
        let expected =
            format!("{file} is a Git LFS pointer, not the file itself; run `git lfs pull`");
        assert!(message.starts_with(&expected), "{message}");
    }
    for (file, content, words) in [
        ("model.safetensors", "", "model.safetensors is empty"),
        (
            "model.safetensors",
            "<!DOCTYPE html>",
            "model.safetensors is a web page",
        ),
        (
            "1_Pooling/config.json",
            "<html>",
            "1_Pooling/config.json is a web page",
        ),
        ("config.json", "{", "config.json is not as expected"),
    ] {
        let message = refusal(&[(file, json!(content))]);
        assert!(
            message.contains(words) && !message.ends_with("; "),
            "{message}"
        );
    }
    load(&[(
        "config.json",
        json!(format!("\u{feff}{}", with("config.json", &json!({})))),
    )]);
    for (file, content, words) in [
        (
            "model.onnx",
            "x",
            "it has model.onnx, which gted does not read",
        ),
        ("onnx/model.onnx", "x", "it has onnx/model.onnx"),
        ("adapter_model.safetensors", "x", "merge the adapter"),
        (
            "model.fp16.safetensors",
            "x",
            "gted convert DIR/FILE.safetensors",
        ),
    ] {
        let message = refusal(&[("model.safetensors", Value::Null), (file, json!(content))]);
        assert!(message.contains(words), "{message}");
    }
    let many = [
        "a.onnx",
        "b.onnx",
        "c.onnx",
        "d.onnx",
        "model_fp16.safetensors",
    ];
    let mut change: Vec<(&str, Value)> = many.map(|file| (file, json!("x"))).into();
    change.push(("model.safetensors", Value::Null));
    let message = refusal(&change);
    assert!(message.contains("d.onnx and 1 more, which"), "{message}");
    assert!(
        message.contains("gted convert DIR/FILE.safetensors"),
        "{message}"
    );
}

#[test]
fn links_that_lead_nowhere_are_told() {
    for file in ["model.safetensors", "config.json"] {
        let copy = changed(&[(file, Value::Null)]);
        std::os::unix::fs::symlink("../../blobs/354763b9", copy.path().join(file)).unwrap();
        let Err(error) = load_from(copy.path()) else {
            panic!("{file} was loaded");
        };
        let expected = format!("{file} is a link to ../../blobs/354763b9, which is not there");
        assert!(error.to_string().ends_with(&expected), "{error}");
        assert!(error.hint().unwrap().contains("cp -rL"));
    }
}
