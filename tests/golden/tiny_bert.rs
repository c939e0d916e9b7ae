//! Random BERT of two layers: hidden states and embeddings within 1e-5 of PyTorch's, which is tight
//! enough to detect a wrong epsilon or another GELU.

use std::fs;
use std::path::Path;

use gte_daemon::engine::Embed;
use gte_daemon::model::{Compute, Folder, Model, ModelError, Source};
use gte_shared::wire::Precision;
use gte_tests::fixture;
use serde::Deserialize;

use crate::{distance, read};

pub(crate) const TOLERANCE: f32 = 1e-5;

#[derive(Deserialize)]
pub(crate) struct Expected {
    pub(crate) rows: Vec<Row>,
}

#[derive(Deserialize)]
pub(crate) struct Row {
    text: String,
    pub(crate) ids: Vec<u32>,
    cls_hidden: Vec<f32>,
    mean_hidden: Vec<f32>,
    pub(crate) cls_embedding: Vec<f32>,
    pub(crate) mean_embedding: Vec<f32>,
}

const COMPUTE: Compute = Compute {
    threads: 2,
    precision: Precision::F32,
};

fn load(directory: &Path) -> Result<Model, ModelError> {
    Model::load(&Source::Folder(Folder::new(directory)), COMPUTE)
}

/// Copies the model into a temporary folder, to be changed.
pub(crate) fn copy() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("1_Pooling")).unwrap();
    for file in [
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
        "model.safetensors",
        "1_Pooling/config.json",
    ] {
        let from = fixture("tiny-bert/hf").join(file);
        fs::copy(from, copy.path().join(file)).unwrap();
    }
    copy
}

/// Message with which a model is refused.
fn refusal(directory: &Path) -> String {
    match load(directory) {
        Ok(_) => panic!("the model was loaded"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn hidden_states_and_embeddings_match_pytorch() {
    let expected: Expected = read(&fixture("tiny-bert/expected.json"));
    let model = load(&fixture("tiny-bert/hf")).unwrap();
    assert!(expected.rows.len() > 20);
    for row in &expected.rows {
        let ids = model.tokenizer.ids(&row.text).unwrap();
        assert_eq!(*ids, *row.ids, "{}", row.text);

        let hidden = model.encoder.hidden_states(&[&row.ids]).unwrap().concat();
        let width = row.cls_hidden.len();
        assert!(
            distance(&hidden[..width], &row.cls_hidden) < TOLERANCE,
            "{}",
            row.text
        );
        let mean: Vec<f32> = (0..width)
            .map(|column| {
                let sum: f32 = hidden.iter().skip(column).step_by(width).sum();
                sum / row.ids.len() as f32
            })
            .collect();
        assert!(
            distance(&mean, &row.mean_hidden) < TOLERANCE,
            "{}",
            row.text
        );

        let embedding = model.encoder.embed(&[&row.ids]).unwrap();
        assert!(
            distance(&embedding[0], &row.cls_embedding) < TOLERANCE,
            "{}",
            row.text
        );
    }
}

#[test]
fn mean_pooling_matches_pytorch() {
    let expected: Expected = read(&fixture("tiny-bert/expected.json"));
    let copy = copy();
    let pooling = r#"{"pooling_mode_mean_tokens": true}"#;
    fs::write(copy.path().join("1_Pooling/config.json"), pooling).unwrap();
    let model = load(copy.path()).unwrap();
    for row in &expected.rows {
        let embedding = model.encoder.embed(&[&row.ids]).unwrap();
        assert!(
            distance(&embedding[0], &row.mean_embedding) < TOLERANCE,
            "{}",
            row.text
        );
    }
}

#[test]
fn a_text_has_the_same_vector_alone_and_in_a_batch() {
    let expected: Expected = read(&fixture("tiny-bert/expected.json"));
    let model = load(&fixture("tiny-bert/hf")).unwrap();
    let texts: Vec<&[u32]> = expected.rows.iter().map(|row| row.ids.as_slice()).collect();
    let batch = model.encoder.embed(&texts).unwrap();
    for (text, batched) in texts.iter().zip(&batch) {
        let alone = model.encoder.embed(&[*text]).unwrap();
        assert!(distance(&alone[0], batched) < 1e-6);
    }
}

#[test]
fn vocab_txt_gives_the_ids_of_tokenizer_json() {
    let expected: Expected = read(&fixture("tiny-bert/expected.json"));
    let copy = copy();
    fs::remove_file(copy.path().join("tokenizer.json")).unwrap();
    let model = load(copy.path()).unwrap();
    for row in &expected.rows {
        let ids = model.tokenizer.ids(&row.text).unwrap();
        assert_eq!(*ids, *row.ids, "{}", row.text);
    }
}

/// Message with which a changed copy of the model is refused.
fn refusal_after(change: impl Fn(&Path)) -> String {
    let copy = copy();
    change(copy.path());
    refusal(copy.path())
}

/// Message with which a copy of the model is refused whose configuration has `to` for `from`.
fn refusal_of_config(from: &str, to: &str) -> String {
    refusal_after(|path| {
        let config = path.join("config.json");
        let text = fs::read_to_string(&config).unwrap();
        assert!(text.contains(from));
        fs::write(&config, text.replace(from, to)).unwrap();
    })
}

#[test]
fn missing_files_are_named() {
    for (file, words) in [
        ("1_Pooling/config.json", "does not state its pooling"),
        ("model.safetensors", "no model.safetensors"),
        ("config.json", "no config.json"),
    ] {
        let message = refusal_after(|path| fs::remove_file(path.join(file)).unwrap());
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn a_configuration_that_does_not_match_the_weights_is_refused() {
    for (from, to, words) in [
        (
            "\"num_hidden_layers\": 2",
            "\"num_hidden_layers\": 3",
            "encoder.layer.2.attention.self.query.weight",
        ),
        (
            "\"num_hidden_layers\": 2",
            "\"num_hidden_layers\": 1",
            "encoder.layer.1.",
        ),
        (
            "\"intermediate_size\": 128",
            "\"intermediate_size\": 256",
            "encoder.layer.0.intermediate.dense.weight",
        ),
        ("\"vocab_size\": 202", "\"vocab_size\": 100", "id 194"),
    ] {
        let message = refusal_of_config(from, to);
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn an_unsupported_stage_is_named() {
    let message = refusal_after(|path| {
        let stages = r#"[{"type": "sentence_transformers.models.Dense"}]"#;
        fs::write(path.join("modules.json"), stages).unwrap();
    });
    assert!(message.contains("models.Dense"), "{message}");
}

#[test]
fn a_tokenizer_without_special_tokens_is_refused() {
    let message = refusal_after(|path| {
        let file = path.join("tokenizer.json");
        let mut tokenizer: serde_json::Value = read(&file);
        tokenizer["post_processor"] = serde_json::Value::Null;
        fs::write(file, tokenizer.to_string()).unwrap();
    });
    assert!(message.contains("0 tokens around a text"), "{message}");
}

#[test]
fn truncated_weights_are_refused() {
    for length in [4, 100, 10_000] {
        let message = refusal_after(|path| {
            let weights = fs::read(path.join("model.safetensors")).unwrap();
            fs::write(path.join("model.safetensors"), &weights[..length]).unwrap();
        });
        assert!(
            message.contains("not a valid safetensors"),
            "{length} bytes: {message}"
        );
    }
}
