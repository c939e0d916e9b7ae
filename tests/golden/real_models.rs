//! Published models: cosines of hand-written texts, within 1e-4 in f32.

use std::collections::HashMap;

use gte_daemon::engine::{Embed, Tokenize};
use gte_daemon::model::{Compute, Folder, Model, Source};
use gte_shared::score::cosine;
use gte_shared::wire::{Pooling, Precision, TextRules};
use gte_tests::{fixture, shared_fixture};
use serde::Deserialize;

use crate::{distance, read};

/// Largest distance of a cosine from PyTorch's in f32.
fn tolerance(precision: Precision) -> f32 {
    match precision {
        Precision::F32 => 1e-4,
        Precision::Int8 => 4e-3,
    }
}

#[derive(Deserialize)]
struct Golden {
    pooling: Pooling,
    max_length: u32,
    texts: Vec<String>,
    tokens: Vec<u32>,
    first8: Vec<Vec<f32>>,
    pairs: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pair {
    a: usize,
    b: usize,
    cosine: f32,
}

/// Compares token counts, the first eight values of vectors, and cosines with the reference values.
fn check(name: &str, source: &Source, precision: Precision) {
    let mut golden: HashMap<String, Golden> = read(&fixture("golden-real-models.json"));
    let golden = golden.remove(name).unwrap();
    let compute = Compute {
        threads: 2,
        precision,
    };
    let model = Model::load(source, compute).unwrap();
    assert_eq!(model.info.pooling, golden.pooling);
    assert_eq!(model.info.max_tokens, golden.max_length);

    let tokens: Vec<_> = golden
        .texts
        .iter()
        .map(|text| {
            model
                .tokenizer
                .tokenize(text, TextRules::default())
                .unwrap()
        })
        .collect();
    let counts: Vec<u32> = tokens.iter().map(|tokens| tokens.info.tokens).collect();
    assert_eq!(counts, golden.tokens);
    let cut = |tokens: &&gte_daemon::engine::Tokens| tokens.info.is_truncated();
    assert_eq!(
        tokens.iter().filter(cut).count(),
        1,
        "one of the texts is too long"
    );

    let ids: Vec<&[u32]> = tokens.iter().map(|tokens| &*tokens.windows[0]).collect();
    let vectors = model.encoder.embed(&ids).unwrap();
    for (vector, first8) in vectors.iter().zip(&golden.first8) {
        assert!(distance(&vector[..8], first8) < 3.0 * tolerance(precision));
    }
    assert!(golden.pairs.len() > 10);
    for pair in &golden.pairs {
        let ours = cosine(&vectors[pair.a], &vectors[pair.b]);
        let [a, b] = [pair.a, pair.b].map(|text| &golden.texts[text]);
        assert!(
            (ours - pair.cosine).abs() < tolerance(precision),
            "{a} / {b}: {ours} where PyTorch has {}",
            pair.cosine
        );
    }
}

#[test]
fn the_builtin_model_matches_pytorch() {
    check("bge-small-zh-v1.5", &Source::Builtin, Precision::F32);
}

#[test]
fn the_builtin_model_in_int8_nearly_matches_pytorch() {
    check("bge-small-zh-v1.5", &Source::Builtin, Precision::Int8);
}

#[test]
fn gte_small_matches_pytorch() {
    if let Some(directory) = shared_fixture("models/gte-small") {
        let source = Source::Folder(Folder::new(&directory));
        check("gte-small", &source, Precision::F32);
        check("gte-small", &source, Precision::Int8);
    }
}
