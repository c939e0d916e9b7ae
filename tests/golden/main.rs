//! Comparison of the model with PyTorch's results in f32.

#![allow(
    clippy::expect_used,
    clippy::cast_precision_loss,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod evaluation;
mod files;
mod invariance;
mod layouts;
mod real_models;
mod tiny_bert;
mod tokens;

use serde::de::DeserializeOwned;
use std::path::Path;

/// Reads reference values from a JSON file.
fn read<T: DeserializeOwned>(path: &Path) -> T {
    let json = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&json).expect("reference values are as expected")
}

/// Largest absolute difference between two vectors of the same length.
fn distance(ours: &[f32], reference: &[f32]) -> f32 {
    assert_eq!(ours.len(), reference.len());
    let distances = ours.iter().zip(reference).map(|(a, b)| (a - b).abs());
    distances.fold(0.0, f32::max)
}
