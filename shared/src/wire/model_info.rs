//! A model as clients know it.

use serde::{Deserialize, Serialize};

/// A model as clients know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Name, such as `bge-small-zh-v1.5`.
    pub id: String,
    /// Length of its vectors.
    pub dimension: u32,
    /// Way from hidden states to a vector.
    pub pooling: Pooling,
    /// Tokens of a text that it reads at most, `[CLS]` and `[SEP]` included.
    pub max_tokens: u32,
    /// Type that it is computed in.
    pub precision: Precision,
    /// True if it is compiled into the daemon.
    pub builtin: bool,
}

/// Type that the linear layers of a model multiply in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floating-point numbers.
    F32,
    /// Eight-bit integers, with scales for weights and activations.
    Int8,
}

impl Precision {
    /// Name, as JSON and options have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Int8 => "int8",
        }
    }
}

/// Way from the hidden states of a text to its vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// Hidden state of the first token, `[CLS]`.
    Cls,
    /// Mean of the hidden states of all tokens.
    Mean,
}

impl Pooling {
    /// Name, as JSON and options have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cls => "cls",
            Self::Mean => "mean",
        }
    }
}
