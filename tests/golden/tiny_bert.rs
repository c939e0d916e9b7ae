//! A random two-layer BERT, hidden states and embeddings to 1e-5: tight enough to see a wrong
//! epsilon or the other GELU, which move a cosine by no more than that.

use std::fs;
use std::path::Path;

use gte_daemon::engine::{Embed, Tokenize};
use gte_daemon::model::{Compute, Folder, Model, ModelError, Source};
use gte_shared::wire::Precision;
use gte_tests::fixture;
use serde::Deserialize;

use crate::{distance, read};

const TOLERANCE: f32 = 1e-5;

#[derive(Deserialize)]
struct Expected {
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    text: String,
    ids: Vec<u32>,
    cls_hidden: Vec<f32>,
    mean_hidden: Vec<f32>,
    cls_embedding: Vec<f32>,
    mean_embedding: Vec<f32>,
}

const COMPUTE: Compute = Compute {
    threads: 2,
    precision: Precision::F32,
};

fn load(directory: &Path) -> Result<Model, ModelError> {
    Model::load(&Source::Folder(Folder::new(directory)), COMPUTE)
}

/// A copy of the model, to change things in.
fn copy() -> tempfile::TempDir {
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

fn refusal(directory: &Path) -> String {
    match load(directory) {
        Ok(_) => panic!("the model was taken"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn hidden_states_and_embeddings_are_pytorchs() {
    let expected: Expected = read(&fixture("tiny-bert/expected.json"));
    let model = load(&fixture("tiny-bert/hf")).unwrap();
    assert!(expected.rows.len() > 20);
    for row in &expected.rows {
        let tokens = model.tokenizer.tokenize(&row.text).unwrap();
        assert_eq!(*tokens.ids, *row.ids, "{}", row.text);

        let hidden = model.encoder.hidden_states(&row.ids).unwrap();
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
fn mean_pooling_is_pytorchs() {
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
fn a_text_is_the_same_alone_and_in_company() {
    let expected: Expected = read(&fixture("tiny-bert/expected.json"));
    let model = load(&fixture("tiny-bert/hf")).unwrap();
    let texts: Vec<&[u32]> = expected.rows.iter().map(|row| row.ids.as_slice()).collect();
    let together = model.encoder.embed(&texts).unwrap();
    for (text, in_company) in texts.iter().zip(&together) {
        let alone = model.encoder.embed(&[*text]).unwrap();
        assert!(distance(&alone[0], in_company) < 1e-6);
    }
}

#[test]
fn vocab_txt_gives_the_ids_of_tokenizer_json() {
    let expected: Expected = read(&fixture("tiny-bert/expected.json"));
    let copy = copy();
    fs::remove_file(copy.path().join("tokenizer.json")).unwrap();
    let model = load(copy.path()).unwrap();
    for row in &expected.rows {
        let tokens = model.tokenizer.tokenize(&row.text).unwrap();
        assert_eq!(*tokens.ids, *row.ids, "{}", row.text);
    }
}

#[test]
fn a_model_that_cannot_be_right_is_refused_in_words() {
    let changed = |change: &dyn Fn(&Path)| {
        let copy = copy();
        change(copy.path());
        refusal(copy.path())
    };
    let without =
        |file: &'static str| changed(&move |path| fs::remove_file(path.join(file)).unwrap());
    let edited = |file: &'static str, from: &'static str, to: &'static str| {
        changed(&move |path| {
            let text = fs::read_to_string(path.join(file)).unwrap();
            assert!(text.contains(from));
            fs::write(path.join(file), text.replace(from, to)).unwrap();
        })
    };

    assert!(without("1_Pooling/config.json").contains("does not state its pooling"));
    assert!(without("model.safetensors").contains("no model.safetensors"));
    assert!(without("config.json").contains("no config.json"));

    let more_layers = edited(
        "config.json",
        "\"num_hidden_layers\": 2",
        "\"num_hidden_layers\": 3",
    );
    assert!(
        more_layers.contains("encoder.layer.2.attention.self.query.weight"),
        "{more_layers}"
    );
    let fewer_layers = edited(
        "config.json",
        "\"num_hidden_layers\": 2",
        "\"num_hidden_layers\": 1",
    );
    assert!(fewer_layers.contains("encoder.layer.1."), "{fewer_layers}");
    let wider = edited(
        "config.json",
        "\"intermediate_size\": 128",
        "\"intermediate_size\": 256",
    );
    assert!(
        wider.contains("encoder.layer.0.intermediate.dense.weight"),
        "{wider}"
    );
    let fewer_rows = edited("config.json", "\"vocab_size\": 202", "\"vocab_size\": 100");
    assert!(fewer_rows.contains("id 194"), "{fewer_rows}");

    let dense = changed(&|path| {
        let stages = r#"[{"type": "sentence_transformers.models.Dense"}]"#;
        fs::write(path.join("modules.json"), stages).unwrap();
    });
    assert!(dense.contains("models.Dense"), "{dense}");
    let bare = changed(&|path| {
        let file = path.join("tokenizer.json");
        let mut tokenizer: serde_json::Value = read(&file);
        tokenizer["post_processor"] = serde_json::Value::Null;
        fs::write(file, tokenizer.to_string()).unwrap();
    });
    assert!(bare.contains("0 tokens around a text"), "{bare}");

    for length in [0, 4, 100, 10_000] {
        let cut = changed(&|path| {
            let weights = fs::read(path.join("model.safetensors")).unwrap();
            fs::write(path.join("model.safetensors"), &weights[..length]).unwrap();
        });
        assert!(
            cut.contains("not a valid safetensors"),
            "{length} bytes: {cut}"
        );
    }
}
