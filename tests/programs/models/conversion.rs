//! Conversion of both layouts, of several files of weights, and in place of an installed model.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use gte_tests::{Output, Sandbox, fixture};
use serde_json::json;

use super::setup::{
    assert_matches_pytorch, convert, copy_fixture, installed_entries, rewrite_weights, utf8,
};

#[test]
fn a_safetensors_folder_converts_to_pytorchs_values() {
    let sandbox = Sandbox::default();
    convert(&sandbox, &fixture("tiny-bert/hf"), "tiny").success();
    assert_matches_pytorch(&sandbox, "tiny");
}

#[test]
fn a_pytorch_checkpoint_converts_to_pytorchs_values() {
    let sandbox = Sandbox::default();
    // The folder states no pooling: the catalog states it for this name.
    convert(&sandbox, &fixture("tiny-bert/modelscope"), "gte-small-zh").success();
    assert_matches_pytorch(&sandbox, "gte-small-zh");
}

#[test]
fn a_folder_without_pooling_is_refused_under_an_unknown_name() {
    let sandbox = Sandbox::default();
    let refused = convert(&sandbox, &fixture("tiny-bert/modelscope"), "unknown");
    assert_eq!(refused.code(), Some(1));
    assert!(
        refused.stderr.contains("does not state its pooling"),
        "{refused:?}"
    );
}

const SHARDS: [&str; 2] = ["model-1-of-2.safetensors", "model-2-of-2.safetensors"];

/// Makes a model of two weights files whose tensors have the names of older checkpoints. Returns
/// the folder and the path of the index.
fn sharded_model(sandbox: &Sandbox) -> (PathBuf, PathBuf) {
    let model = copy_fixture(sandbox, "tiny-bert/hf", "sharded");
    rewrite_weights(&model, &SHARDS, |name| {
        let name = name
            .replace("LayerNorm.weight", "LayerNorm.gamma")
            .replace("LayerNorm.bias", "LayerNorm.beta");
        format!("bert.{name}")
    });
    let map: HashMap<String, &str> = (0..2).map(|n| (format!("tensor{n}"), SHARDS[n])).collect();
    let index = model.join("model.safetensors.index.json");
    fs::write(&index, json!({ "weight_map": map }).to_string()).expect("a file can be written");
    (model, index)
}

#[test]
fn shards_with_old_tensor_names_convert_by_their_index() {
    let sandbox = Sandbox::default();
    let (_, index) = sharded_model(&sandbox);
    convert(&sandbox, &index, "sharded").success();
    assert_matches_pytorch(&sandbox, "sharded");
}

#[test]
fn a_missing_shard_is_refused() {
    let sandbox = Sandbox::default();
    let (model, _) = sharded_model(&sandbox);
    fs::remove_file(model.join(SHARDS[1])).expect("a file can be removed");
    let missing = convert(&sandbox, &model, "again");
    assert!(
        missing.stderr.contains("no model-2-of-2.safetensors"),
        "{missing:?}"
    );
}

#[test]
fn a_shard_outside_the_folder_is_refused() {
    let sandbox = Sandbox::default();
    let (model, index) = sharded_model(&sandbox);
    let outside = json!({ "weight_map": { "a": "../secret.safetensors" } });
    fs::write(&index, outside.to_string()).expect("a file can be written");
    let outside = convert(&sandbox, &model, "again");
    assert!(
        outside.stderr.contains("not in the model's folder"),
        "{outside:?}"
    );
}

#[test]
fn a_failed_conversion_leaves_the_installed_model_as_it_was() {
    let sandbox = Sandbox::default();
    convert(&sandbox, &fixture("tiny-bert/hf"), "tiny").success();
    let broken = copy_fixture(&sandbox, "tiny-bert/hf", "broken");
    fs::write(broken.join("model.safetensors"), "broken").expect("a file can be written");
    assert_eq!(convert(&sandbox, &broken, "tiny").code(), Some(1));
    assert_eq!(installed_entries(&sandbox), ["tiny"]);
    assert_matches_pytorch(&sandbox, "tiny");
    // A conversion that succeeds replaces it.
    convert(&sandbox, &fixture("tiny-bert/hf"), "tiny").success();
    assert_eq!(installed_entries(&sandbox), ["tiny"]);
}

#[test]
fn a_conversion_without_a_home_is_refused() {
    let sandbox = Sandbox::default();
    let tiny = fixture("tiny-bert/hf");
    let mut convert = sandbox.command(gte_tests::gted());
    convert.args(["convert", utf8(&tiny)]).env_remove("HOME");
    let output = Output::of(&mut convert);
    assert_eq!(output.code(), Some(1));
    assert!(output.stderr.contains("no folder for models"), "{output:?}");
}

#[test]
fn what_stands_before_the_names_of_tensors_is_taken_off() {
    let sandbox = Sandbox::default();
    for prefix in [
        "module.",
        "module.bert.",
        "model.",
        "0.auto_model.",
        "model.bert.",
    ] {
        let model = copy_fixture(&sandbox, "tiny-bert/hf", "prefixed");
        rewrite_weights(&model, &["model.safetensors"], |name| {
            format!("{prefix}{name}")
        });
        convert(&sandbox, &model, "tiny").success();
        fs::remove_dir_all(model).expect("the folder can be removed");
    }
    assert_matches_pytorch(&sandbox, "tiny");
    let two = copy_fixture(&sandbox, "tiny-bert/hf", "two");
    rewrite_weights(&two, &["model.safetensors"], |name| match name {
        "embeddings.position_embeddings.weight" => "other.embeddings.word_embeddings.weight".into(),
        name => name.to_owned(),
    });
    let refused = convert(&sandbox, &two, "two");
    assert!(
        refused.stderr.contains("have several encoders"),
        "{refused:?}"
    );
    let lacking = copy_fixture(&sandbox, "tiny-bert/hf", "lacking");
    rewrite_weights(&lacking, &["model.safetensors"], |name| format!("x{name}"));
    let refused = convert(&sandbox, &lacking, "lacking");
    assert!(refused.stderr.contains("; and 34 more"), "{refused:?}");
}

#[test]
fn a_folder_of_sentence_transformers_6_is_installed_with_notes() {
    let sandbox = Sandbox::default();
    let model = copy_fixture(&sandbox, "tiny-bert/hf", "st6");
    let write = |file: &str, content: serde_json::Value| {
        let path = model.join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be created");
        fs::write(path, content.to_string()).expect("a file can be written");
    };
    fs::remove_dir_all(model.join("1_Pooling")).expect("a folder can be removed");
    write(
        "2_Pooling/config.json",
        json!({"embedding_dimension": 64, "pooling_mode": "cls"}),
    );
    write("sentence_bert_config.json", json!({"max_seq_length": 512}));
    write(
        "modules.json",
        json!([
            {"path": "", "type": "sentence_transformers.base.modules.transformer.Transformer"},
            {"path": "2_Pooling", "type": "sentence_transformers.sentence_transformer.modules.pooling.Pooling"},
        ]),
    );
    let installed = sandbox.gted(&[
        "convert",
        utf8(&model),
        "--name",
        "st6",
        "--pooling",
        "mean",
    ]);
    let notes = "gted: 2_Pooling/config.json states the pooling cls, and goes before mean\n\
        gted: sentence_bert_config.json states 512 tokens, and the model has 64 positions: 64 tokens are read\n";
    assert_eq!(installed.stderr, notes);
    installed.success();
    assert_matches_pytorch(&sandbox, "st6");
    // Earlier programs did not copy this file, and had the pooling in the manifest alone.
    fs::remove_file(sandbox.models().join("st6/2_Pooling/config.json")).expect("it is there");
    assert_matches_pytorch(&sandbox, "st6");
    convert(&sandbox, &model, "st6").success();
    // The installed form has all that it needs.
    fs::remove_dir_all(model).expect("a folder can be removed");
    sandbox.gted(&["verify", "st6"]).success();
}
