//! Scale of a score: what it means, and how that is known.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::meaning::Meaning;

/// Score that a request asks for. The order of the variants is part of the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScoreKind {
    /// The calibrated score of the model, where there is one.
    #[default]
    Calibrated,
    /// 100 × cosine, not below 0.
    Raw,
}

impl FromStr for ScoreKind {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        match value {
            "calibrated" => Ok(Self::Calibrated),
            "raw" => Ok(Self::Raw),
            _ => Err("expected calibrated or raw".to_owned()),
        }
    }
}

/// Source of the meaning of a score. The order of the variants is part of the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CalibrationState {
    /// There is none, or it was not asked for.
    #[default]
    Uncalibrated,
    /// From published figures, not from the model itself.
    Provisional,
    /// Made with this program, for its built-in model.
    Shipped,
    /// Made by the user, with `gted calibrate`.
    Fitted,
}

impl CalibrationState {
    /// Name in JSON and in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Uncalibrated => "uncalibrated",
            Self::Provisional => "provisional",
            Self::Shipped => "shipped",
            Self::Fitted => "fitted",
        }
    }
}

/// Scale of the scores of a reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Scale {
    /// Meaning of the scores.
    pub meaning: Meaning,
    /// Source of it.
    pub calibration: CalibrationState,
}

impl Scale {
    /// Scale of a calibration.
    #[must_use]
    pub fn of(map: &Calibration, calibration: CalibrationState) -> Self {
        Self {
            meaning: map.meaning(),
            calibration,
        }
    }
}

/// Score of a cosine without a calibration: 100 × cosine, not below 0.
#[must_use]
pub fn raw(cosine: f32) -> f64 {
    100.0 * f64::from(cosine).clamp(0.0, 1.0)
}
