//! Folders that are not a usable model: refused in one message, and nothing is left behind.

use std::fs;
use std::path::Path;

use gte_tests::Sandbox;

use super::setup::{
    assert_matches_pytorch, convert, copy_fixture, installed_entries, rewrite_weights, utf8,
};

/// Asserts that a conversion of the model fails with one message, which contains `words`, and
/// leaves no file behind.
fn assert_refused(sandbox: &Sandbox, model: &Path, words: &str) {
    let output = convert(sandbox, model, "tiny");
    assert_eq!(output.code(), Some(1), "{words}: {output:?}");
    assert!(output.stderr.contains(words), "{words}: {output:?}");
    let messages = output.stderr.lines();
    let messages = messages.filter(|line| !line.starts_with("hint: "));
    assert_eq!(messages.count(), 1, "{output:?}");
    assert_eq!(installed_entries(sandbox), Vec::<String>::new(), "{words}");
}

#[test]
fn weights_that_are_not_safetensors_are_refused() {
    let sandbox = Sandbox::default();
    let model = copy_fixture(&sandbox, "tiny-bert/hf", "model");
    let weights = model.join("model.safetensors");
    let good = fs::read(&weights).expect("the weights exist");
    for (bad, words) in [
        (&good[..good.len() / 2], "not a valid safetensors file"),
        (&good[..100], "not a valid safetensors file"),
        (b"<html>404</html>", "is a web page"),
    ] {
        fs::write(&weights, bad).expect("a file can be written");
        assert_refused(&sandbox, &model, words);
    }
    // The sandbox is as usable as before.
    fs::write(&weights, &good).expect("a file can be written");
    convert(&sandbox, &model, "tiny").success();
    assert_matches_pytorch(&sandbox, "tiny");
}

#[test]
fn weights_without_a_tensor_are_refused() {
    let sandbox = Sandbox::default();
    let model = copy_fixture(&sandbox, "tiny-bert/hf", "model");
    rewrite_weights(&model, &["model.safetensors"], |name| match name {
        "encoder.layer.0.output.dense.bias" => "renamed".to_owned(),
        name => name.to_owned(),
    });
    assert_refused(&sandbox, &model, "lack encoder.layer.0.output.dense.bias");
}

#[test]
fn a_tensor_under_its_new_and_its_old_name_is_refused() {
    let sandbox = Sandbox::default();
    let model = copy_fixture(&sandbox, "tiny-bert/hf", "model");
    rewrite_weights(&model, &["model.safetensors"], |name| match name {
        "pooler.dense.bias" => "encoder.layer.0.output.LayerNorm.gamma".to_owned(),
        name => name.to_owned(),
    });
    assert_refused(
        &sandbox,
        &model,
        "duplicate tensor encoder.layer.0.output.LayerNorm.weight",
    );
}

#[test]
fn a_tensor_of_another_shape_is_refused() {
    let sandbox = Sandbox::default();
    let model = copy_fixture(&sandbox, "tiny-bert/hf", "model");
    // Two tensors of different shapes change places.
    rewrite_weights(&model, &["model.safetensors"], |name| match name {
        "encoder.layer.0.output.dense.weight" => "encoder.layer.0.intermediate.dense.weight".into(),
        "encoder.layer.0.intermediate.dense.weight" => "encoder.layer.0.output.dense.weight".into(),
        name => name.to_owned(),
    });
    assert_refused(&sandbox, &model, "has the shape");
}

#[test]
fn a_configuration_of_another_model_is_refused() {
    let sandbox = Sandbox::default();
    let model = copy_fixture(&sandbox, "tiny-bert/hf", "model");
    let config = model.join("config.json");
    let right = fs::read_to_string(&config).expect("the configuration exists");
    for (from, to, words) in [
        ("\"bert\"", "\"roberta\"", "model_type is roberta"),
        ("202", "150", "do not belong together"),
    ] {
        fs::write(&config, right.replace(from, to)).expect("a file can be written");
        assert_refused(&sandbox, &model, words);
    }
}

#[test]
fn a_pickle_that_calls_a_function_is_not_executed() {
    let sandbox = Sandbox::default();
    let model = copy_fixture(&sandbox, "tiny-bert/hf", "model");
    fs::remove_file(model.join("model.safetensors")).expect("a file can be removed");
    // A pickle that calls os.system.
    let called = sandbox.path().join("called");
    let command = format!("touch {}", called.display());
    let length = u32::try_from(command.len()).expect("the command is short");
    let length = length.to_le_bytes();
    let pickle = [b"cos\nsystem\n(X", &length[..], command.as_bytes(), b"tR."].concat();
    fs::write(model.join("pytorch_model.bin"), pickle).expect("a file can be written");
    assert_refused(&sandbox, &model, "not a readable PyTorch checkpoint");
    assert!(!called.exists(), "the pickle was executed");
}

#[test]
fn a_folder_without_weights_is_refused() {
    let sandbox = Sandbox::default();
    let model = copy_fixture(&sandbox, "tiny-bert/hf", "model");
    fs::remove_file(model.join("model.safetensors")).expect("a file can be removed");
    assert_refused(
        &sandbox,
        &model,
        "no model.safetensors and no pytorch_model.bin",
    );
}

#[test]
fn names_that_a_model_cannot_have_are_refused() {
    let sandbox = Sandbox::default();
    let model = copy_fixture(&sandbox, "tiny-bert/hf", "model");
    for name in ["../tiny", ".tiny", "a/b", "", "名", "-x"] {
        let output = sandbox.gted(&["convert", utf8(&model), &format!("--name={name}")]);
        assert!(
            output.stderr.contains("hint: name it with --name"),
            "{output:?}"
        );
        assert!(
            output.stderr.contains("cannot be a model's name"),
            "{output:?}"
        );
    }
}
