//! Description of a model for clients.

use serde::{Deserialize, Serialize};

use super::text_rules::TextRules;
use crate::score::Scale;

/// Description of a model for clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Name, such as `bge-small-zh-v1.5`.
    pub id: String,
    /// Values per vector.
    pub dimension: u32,
    /// Pooling of hidden states to a vector.
    pub pooling: Pooling,
    /// Most tokens of a text that the model reads, `[CLS]` and `[SEP]` included.
    pub max_tokens: u32,
    /// Type that the linear layers multiply in.
    pub precision: Precision,
    /// True if the model is compiled into the daemon.
    pub builtin: bool,
    /// Rules by which texts become tokens: in a reply, those of the request; elsewhere, those of
    /// requests that leave them out.
    pub rules: TextRules,
    /// Scale of the scores: in a reply, of those in it; elsewhere, of those of requests without
    /// options.
    pub scale: Scale,
}

/// Type that the linear layers of a model multiply in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floating point.
    F32,
    /// Eight-bit integers, with scales for weights and activations.
    Int8,
}

impl Precision {
    /// Name in JSON and in options.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Int8 => "int8",
        }
    }
}

/// Pooling of the hidden states of a text to its vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// Hidden state of the first token, `[CLS]`.
    Cls,
    /// Mean of the hidden states of all tokens.
    Mean,
}

impl Pooling {
    /// Name in JSON and in options.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cls => "cls",
            Self::Mean => "mean",
        }
    }
}
