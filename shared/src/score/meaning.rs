//! Meaning of a score.

use serde::{Deserialize, Serialize};

/// Meaning of a score. The order of the variants is part of the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Meaning {
    /// 100 × cosine, not below 0: of one model only.
    #[default]
    Cosine,
    /// People's rating: 100 the same meaning, 50 some shared meaning, 0 unrelated.
    Rating,
    /// Probability, times 100, that the two are the same in the sense of the labels.
    Probability,
}

impl Meaning {
    /// Name in JSON and in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Rating => "rating",
            Self::Probability => "probability",
        }
    }
}
