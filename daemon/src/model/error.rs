//! Failures of loading and running a model.

use std::io;
use std::path::PathBuf;

use super::extension::OpError;
use crate::engine::EmbedError;
use crate::weights::WeightsError;

/// Failure of loading or running a model. [`hint`](Self::hint) says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file of the model cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file that every model needs is not there.
    #[error("the model has no {0}")]
    Missing(&'static str),
    /// There are no weights in any form that is read.
    #[error("the model has no model.safetensors and no pytorch_model.bin")]
    NoWeights,
    /// A file whose name is not that of a weights file.
    #[error("{} is not a weights file (expected .safetensors, .safetensors.index.json, .bin or .pt)", .0.display())]
    WeightsFormat(PathBuf),
    /// A file that the model's index names is not there.
    #[error("the model has no {0}, which model.safetensors.index.json names")]
    MissingShard(String),
    /// The index names a file that is not the model's.
    #[error("model.safetensors.index.json names {0:?}, which is not a file of the model's folder")]
    Outside(String),
    /// A file is not what it should be.
    #[error("{file} is not as expected: {source}")]
    Json {
        /// The file.
        file: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Another kind of model.
    #[error("this is another architecture: {key} is {found}, and only {supported} is supported")]
    Architecture {
        /// The key in `config.json`.
        key: &'static str,
        /// What it says.
        found: String,
        /// What it should say.
        supported: &'static str,
    },
    /// A size that no model has.
    #[error("config.json is not as expected: {key} is {size}")]
    Size {
        /// The key in `config.json`.
        key: &'static str,
        /// What it says.
        size: usize,
    },
    /// The hidden state cannot be divided among the heads.
    #[error(
        "config.json is not as expected: a hidden size of {hidden_size} cannot be divided among {heads} heads"
    )]
    Heads {
        /// Width of a hidden state.
        hidden_size: usize,
        /// Attention heads.
        heads: usize,
    },
    /// A module after the network that this program would leave out.
    #[error("modules.json has the module {0}; Transformer, Pooling and Normalize are supported")]
    PipelineModule(String),
    /// The pooling is stated nowhere.
    #[error("the model does not state its pooling: it has no 1_Pooling/config.json")]
    PoolingUnknown,
    /// Another pooling than CLS alone or MEAN alone.
    #[error("1_Pooling/config.json asks for a pooling other than CLS alone or MEAN alone")]
    PoolingUnsupported,
    /// The tokenizer's files cannot be used.
    #[error("the tokenizer cannot be used: {0}")]
    Tokenizer(String),
    /// The tokenizer and the weights do not belong together.
    #[error(
        "the tokenizer has the id {id}, but the model has {rows} embeddings: they do not belong together"
    )]
    Vocabulary {
        /// The largest id.
        id: u32,
        /// Rows of the word embedding.
        rows: usize,
    },
    /// The weights cannot be used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// No threads to compute with.
    #[error("the threads to compute with cannot be started: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// The weights cannot be packed.
    #[error("the weights cannot be packed: {0}")]
    Pack(#[from] OpError),
    /// The weights do not compute.
    #[error(transparent)]
    Compute(#[from] EmbedError),
}

impl ModelError {
    /// Next step for the user, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::PoolingUnknown => {
                "its model card states it: give `--pooling cls` (GTE and BGE in Chinese) or `--pooling mean` to `gted pull` or `gted convert`"
            }
            Self::Architecture { .. } | Self::PipelineModule(_) | Self::PoolingUnsupported => {
                "choose another model; `gted models` lists those that are known to work"
            }
            Self::Weights(error) => return error.hint(),
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
