//! Comparison with the reference cosine.

use gte_tests::{GOLDEN_COSINE, INT8_TOLERANCE};
use serde_json::Value;

/// Asserts that a JSON number is the cosine of the reference pair.
pub(crate) fn assert_golden_cosine(cosine: &Value) {
    let cosine = cosine.as_f64().expect("the cosine is a number");
    assert!((cosine - GOLDEN_COSINE).abs() < INT8_TOLERANCE, "{cosine}");
}
