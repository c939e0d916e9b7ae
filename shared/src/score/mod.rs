//! Scores: from two vectors to a cosine, from a cosine to a score between 0 and 100, and from a
//! score to a verdict. Pure functions; the only place that knows the thresholds.

mod calibration;
mod cosine;
mod meaning;
mod scale;
mod verdict;

pub use calibration::{Calibration, CalibrationError};
pub use cosine::cosine;
pub use meaning::Meaning;
pub use scale::{CalibrationState, Scale, ScoreKind, raw};
pub use verdict::{HIGH_ABOVE, MEDIUM_ABOVE, Verdict};
