//! Why a model cannot be used.

use std::io;
use std::path::PathBuf;

use super::ops::OpError;
use crate::engine::EmbedError;
use crate::weights::WeightsError;

/// Why a model cannot be loaded or run. Each says what was found and what to do.
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
    /// A file that is no form of weights, by its name.
    #[error("{} is no file of weights: .safetensors, .safetensors.index.json, .bin and .pt are", .0.display())]
    WeightsForm(PathBuf),
    /// A file that the model's index names is not there.
    #[error("the model has no {0}, which model.safetensors.index.json names")]
    MissingShard(String),
    /// The index names a file that is not the model's.
    #[error("model.safetensors.index.json names {0:?}, which is no file of the model's folder")]
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
    /// The model does more than this program would.
    #[error(
        "modules.json has the stage {0}, and only Transformer, Pooling and Normalize are supported"
    )]
    Stage(String),
    /// Nothing says how hidden states become a vector.
    #[error(
        "the model does not say how it pools: it has no 1_Pooling/config.json. Its card does: say so with `--pooling cls` (GTE and BGE in Chinese) or `--pooling mean` to `gted pull` or `gted convert`"
    )]
    PoolingUnknown,
    /// Another way of pooling.
    #[error(
        "1_Pooling/config.json asks for another pooling than CLS alone or MEAN alone, and only these are supported"
    )]
    PoolingUnsupported,
    /// The tokenizer's files cannot be used.
    #[error("the tokenizer cannot be used: {0}")]
    Tokenizer(String),
    /// The tokenizer and the weights do not belong together.
    #[error(
        "the tokenizer has the id {id}, and the model has embeddings for {rows} only: they do not belong together"
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
