//! Failures of reading and writing weights.

use std::io;
use std::path::PathBuf;

use burn_store::burn_pack;

/// Failure of reading or writing weights.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// A file of weights cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// File.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// A file is not in the safetensors format, or damaged.
    #[error("the weights are not a valid safetensors file: {0}")]
    Container(#[from] ::safetensors::SafeTensorError),
    /// A file is not a PyTorch checkpoint that can be read.
    #[error("the weights are not a readable PyTorch checkpoint: {0}")]
    PyTorch(String),
    /// The Burn pack cannot be read or written.
    #[error("the pack of weights cannot be used: {0}")]
    Pack(#[from] burn_pack::Error),
    /// A checkpoint with a call in it.
    #[error("the checkpoint would execute {0}, which gted never does")]
    Call(String),
    /// A tensor in a type that is not read.
    #[error(
        "the tensor {name} is of type {found}; F32, F16, BF16 and the int8 form with scales are read"
    )]
    DType {
        /// Name of the tensor in the file.
        name: String,
        /// Its type.
        found: String,
    },
    /// An int8 tensor without its scales.
    #[error("the int8 tensor {name} cannot be read: {problem}")]
    Quantization {
        /// Name of the tensor in the file.
        name: String,
        /// Fault.
        problem: &'static str,
    },
    /// Tensors that the sizes in `config.json` call for are missing.
    #[error("the weights lack {}: they do not belong to this config.json", .0.join(", "))]
    Missing(Vec<String>),
    /// Tensors of the encoder that the sizes in `config.json` have no place for.
    #[error("unexpected tensors: {}: they do not belong to this config.json", .0.join(", "))]
    Unexpected(Vec<String>),
    /// Two tensors for one place.
    #[error("duplicate tensor {0}")]
    Duplicate(String),
    /// A tensor with another number of values than its shape says.
    #[error("the tensor {0} does not have as many values as its shape says")]
    Length(String),
    /// A tensor with NaN or infinite values.
    #[error("the tensor {0} contains NaN or infinite values")]
    NotFinite(String),
    /// Tensors that would take more room than their file.
    #[error("the checkpoint's tensors overlap: they have {bytes} bytes, and the file has {file}")]
    Overlap {
        /// Bytes of all tensors.
        bytes: u64,
        /// Bytes of the file.
        file: u64,
    },
    /// Tensors of other shapes than the module's.
    #[error("the weights do not fit config.json: {}", .0.join("; "))]
    Unfit(Vec<String>),
}

impl WeightsError {
    /// True if this machine is at fault, not the weights.
    #[must_use]
    pub fn is_local(&self) -> bool {
        matches!(
            self,
            Self::Read { .. } | Self::Pack(burn_pack::Error::IoError(_))
        )
    }

    /// Next step for the user, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Call(_) => "ask the publisher for weights in safetensors",
            Self::DType { .. } => "convert the weights to one of these types",
            Self::Missing(_) | Self::Unexpected(_) | Self::Unfit(_) => {
                "take config.json and weights from the same revision of the model"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
