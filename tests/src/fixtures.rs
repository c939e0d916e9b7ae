//! Where the reference values are.

use std::io::Write;
use std::path::{Path, PathBuf};

/// The cosine of `今天天气很好` and `今天天气不错` with the embedded model, by PyTorch in f32
/// (`golden-real-models.json`).
pub const GOLDEN_COSINE: f64 = 0.927_869_6;

/// How far a cosine in int8 may be from it: which precision a program computes in depends on the CPU.
pub const INT8_TOLERANCE: f64 = 4e-3;

/// Whether a number in `text` is the score of these two texts.
#[must_use]
pub fn has_golden_score(text: &str) -> bool {
    text.split(|character: char| !(character.is_ascii_digit() || character == '.'))
        .filter_map(|number| number.parse::<f64>().ok())
        .any(|score| (score / 100.0 - GOLDEN_COSINE).abs() < INT8_TOLERANCE)
}

/// A file that lies beside the tests.
#[must_use]
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

/// A file of the folder `shared` beside the checkout, which not every machine has. Where it is
/// missing, says so past the test runner's capture and returns `None`.
#[must_use]
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared")
        .join(name);
    if path.exists() {
        return Some(path);
    }
    let words = format!("NOT RUN: a check needs {name}, which this machine does not have\n");
    std::io::stderr()
        .write_all(words.as_bytes())
        .expect("stderr can be written to");
    None
}
