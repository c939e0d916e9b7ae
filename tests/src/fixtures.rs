//! Paths of fixtures, and the reference cosine.

use std::io::Write;
use std::path::{Path, PathBuf};

/// First text of the reference pair.
pub const GOLDEN_A: &str = "今天天气很好";

/// Second text of the reference pair.
pub const GOLDEN_B: &str = "今天天气不错";

/// Cosine of the reference pair with the built-in model, computed by PyTorch in f32
/// (`golden-real-models.json`).
pub const GOLDEN_COSINE: f64 = 0.927_869_6;

/// Largest distance of a cosine in int8 from [`GOLDEN_COSINE`]. The CPU decides which precision a
/// program computes in.
pub const INT8_TOLERANCE: f64 = 4e-3;

/// Score of the reference pair, by the calibration of the built-in model.
const GOLDEN_SCORE: f64 = 87.29;

/// Largest distance of a score in int8 from [`GOLDEN_SCORE`]: that of cosines, on a scale whose
/// steepness there is 343.
const SCORE_TOLERANCE: f64 = 343.0 * INT8_TOLERANCE;

/// Returns true if a number in `text` is the score (0 to 100) of the reference pair.
#[must_use]
pub fn has_golden_score(text: &str) -> bool {
    text.split(|character: char| !(character.is_ascii_digit() || character == '.'))
        .filter_map(|number| number.parse::<f64>().ok())
        .any(|score| (score - GOLDEN_SCORE).abs() < SCORE_TOLERANCE)
}

/// Path of a file or folder in `tests/fixtures`.
#[must_use]
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

/// Path of a file in the folder `shared` beside the checkout, which not every machine has. If it is
/// missing, writes that to stderr, past the test runner's capture, and returns `None`.
#[must_use]
pub fn shared_fixture(name: &str) -> Option<PathBuf> {
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
