//! Errors of loading and running a model.

use std::io;
use std::path::PathBuf;

use super::extension::OpError;
use super::instead::Instead;
use crate::engine::EmbedError;
use crate::weights::WeightsError;

/// Failure to load or run a model. The message says what is wrong; [`hint`](Self::hint) says what
/// to do next.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file of the model cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// A file that every model needs is missing.
    #[error("the model has no {0}")]
    Missing(String),
    /// A file that `modules.json` names is missing.
    #[error("the model has no {0}, which modules.json names")]
    MissingModule(String),
    /// A link leads to a file that is not there.
    #[error("{} is a link to {}, which is not there", path.display(), target.display())]
    DanglingLink {
        /// The link.
        path: PathBuf,
        /// Its target.
        target: PathBuf,
    },
    /// A file is something else than it is called.
    #[error("{file} is {is}")]
    Instead {
        /// The file.
        file: String,
        /// Its content.
        is: Instead,
    },
    /// The model has no weights in a supported format.
    #[error("the model has no model.safetensors and no pytorch_model.bin{}", besides(.0))]
    NoWeights(Vec<String>),
    /// A file whose name is not that of a weights file.
    #[error("{} is not a weights file (expected .safetensors, .safetensors.index.json, .bin or .pt)", .0.display())]
    WeightsFormat(PathBuf),
    /// A file that the model's index names is missing.
    #[error("the model has no {0}, which model.safetensors.index.json names")]
    MissingShard(String),
    /// The index names a file outside the model's folder.
    #[error("{index} names {file:?}, which is not in the model's folder")]
    Outside {
        /// File that names it.
        index: &'static str,
        /// The path.
        file: String,
    },
    /// A file is not JSON, or lacks a value.
    #[error("{file} is not as expected: {source}")]
    Json {
        /// The file.
        file: String,
        /// Fault of the file.
        source: serde_json::Error,
    },
    /// The model is of another architecture.
    #[error("this is another architecture: {key} is {found}, and only {supported} is supported")]
    Architecture {
        /// Key in `config.json`.
        key: &'static str,
        /// Value of the key.
        found: String,
        /// Supported value.
        supported: &'static str,
    },
    /// A size is zero or too large.
    #[error("config.json is not as expected: {key} is {size}")]
    Size {
        /// Key in `config.json`.
        key: &'static str,
        /// Value of the key.
        size: usize,
    },
    /// The hidden size is not a multiple of the number of heads.
    #[error(
        "config.json is not as expected: a hidden size of {hidden_size} cannot be divided among {heads} heads"
    )]
    Heads {
        /// Width of a hidden state.
        hidden_size: usize,
        /// Number of attention heads.
        heads: usize,
    },
    /// The pipeline has a module that this program does not compute.
    #[error("modules.json has the module {0}; Transformer, Pooling and Normalize are supported")]
    PipelineModule(String),
    /// The pipeline has a module that comes with code of its own.
    #[error("modules.json has the module {0}, which is code of the model's own")]
    OwnCode(String),
    /// A module has no folder of its own, where its configuration would be.
    #[error("modules.json states no path for {0}")]
    ModuleWithoutPath(String),
    /// The transformer is in a folder of its own.
    #[error("the transformer is in the folder {0}")]
    TransformerElsewhere(String),
    /// A file asks for something that is not computed.
    #[error("{file} states {key} {value}, which is not supported")]
    Setting {
        /// The file.
        file: &'static str,
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// No file states the pooling.
    #[error("the model does not state its pooling: it has no 1_Pooling/config.json")]
    PoolingUnknown,
    /// The pooling is neither CLS alone nor MEAN alone.
    #[error("{file} asks for the pooling {found}; CLS alone and MEAN alone are supported")]
    PoolingUnsupported {
        /// The file.
        file: String,
        /// Modes that it names.
        found: String,
    },
    /// The tokenizer cannot be made from its files.
    #[error("the tokenizer cannot be used: {0}")]
    Tokenizer(String),
    /// The tokenizer and the weights do not belong together.
    #[error(
        "the tokenizer has the id {id}, but the model has {rows} embeddings: they do not belong together"
    )]
    Vocabulary {
        /// Largest token id.
        id: u32,
        /// Rows of the word embedding.
        rows: usize,
    },
    /// The weights cannot be used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The threads to compute with cannot be started.
    #[error("the threads to compute with cannot be started: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// The weights cannot be packed.
    #[error("the weights cannot be packed: {0}")]
    Pack(#[from] OpError),
    /// The first computation failed.
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
            Self::Architecture { .. }
            | Self::PipelineModule(_)
            | Self::OwnCode(_)
            | Self::Setting { .. }
            | Self::PoolingUnsupported { .. } => {
                "choose another model; `gted models` lists those that are known to work"
            }
            Self::TransformerElsewhere(folder) => {
                return Some(format!(
                    "install that folder: `gted convert DIR/{folder} --name NAME --pooling cls`, or mean, as its model card states"
                ));
            }
            Self::DanglingLink { .. } => "copy the folder with `cp -rL`, which follows links",
            Self::Instead { is, .. } => is.hint(),
            Self::NoWeights(found) => weights_hint(found)?,
            Self::Tokenizer(_) | Self::Vocabulary { .. } => {
                "take the tokenizer's files and the weights from the same revision of the model"
            }
            Self::Json { .. } => "the file may be damaged, or of another model: get it again",
            Self::MissingModule(_) | Self::MissingShard(_) | Self::ModuleWithoutPath(_) => {
                "get the model's files again"
            }
            Self::Weights(error) => return error.hint(),
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// Most names of files in a message.
const MAX_OTHER_WEIGHTS: usize = 4;

/// Files that are there instead of weights that are read.
fn besides(found: &[String]) -> String {
    match found {
        [] => String::new(),
        found => {
            let shown = &found[..found.len().min(MAX_OTHER_WEIGHTS)];
            let others = match found.len() - shown.len() {
                0 => String::new(),
                others => format!(" and {others} more"),
            };
            format!(
                "; it has {}{others}, which gted does not read",
                shown.join(", ")
            )
        }
    }
}

fn weights_hint(found: &[String]) -> Option<&'static str> {
    if found.iter().any(|file| file.starts_with("adapter_")) {
        return Some("merge the adapter into its base model, and save that");
    }
    if found.iter().any(|file| file.ends_with(".safetensors")) {
        return Some("name the file: `gted convert DIR/FILE.safetensors --name NAME`");
    }
    (!found.is_empty()).then_some("get the model in safetensors, or as pytorch_model.bin")
}
