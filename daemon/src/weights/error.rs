//! Errors of reading and writing weights.

use std::io;
use std::path::PathBuf;

use burn_store::burn_pack;

/// Failure to read or write weights. The message says what is wrong; [`hint`](Self::hint) says what
/// to do next.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// A weights file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// The file.
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
    /// A checkpoint contains a call.
    #[error("the checkpoint would execute {0}, which gted never does")]
    Call(String),
    /// A tensor has an unsupported type.
    #[error(
        "the tensor {name} is of type {found}; F32, F16, BF16 and the int8 form with scales are read"
    )]
    DType {
        /// Name of the tensor in the file.
        name: String,
        /// Type of the tensor.
        found: String,
    },
    /// An int8 tensor lacks its scales.
    #[error("the int8 tensor {name} cannot be read: {problem}")]
    Quantization {
        /// Name of the tensor in the file.
        name: String,
        /// Fault of the tensor.
        problem: &'static str,
    },
    /// Tensors that the sizes in `config.json` require are missing.
    #[error("the weights lack {}", first_of(.0))]
    Missing(Vec<String>),
    /// The encoder has tensors that the sizes in `config.json` do not allow.
    #[error("unexpected tensors: {}", first_of(.0))]
    Unexpected(Vec<String>),
    /// The word embeddings of several encoders.
    #[error("the weights have several encoders: {}", first_of(.0))]
    SeveralEncoders(Vec<String>),
    /// Two tensors have the same name.
    #[error("duplicate tensor {0}")]
    Duplicate(String),
    /// The number of values of a tensor differs from its shape.
    #[error("the tensor {0} does not have as many values as its shape says")]
    Length(String),
    /// A tensor contains NaN or infinite values.
    #[error("the tensor {0} contains NaN or infinite values")]
    NotFinite(String),
    /// The tensors of a checkpoint have more bytes than the file.
    #[error("the checkpoint's tensors overlap: they have {bytes} bytes, and the file has {file}")]
    Overlap {
        /// Bytes of all tensors.
        bytes: u64,
        /// Bytes of the file.
        file: u64,
    },
    /// Tensors have other shapes than those of the module.
    #[error("the weights do not fit config.json: {}", first_of(.0))]
    Unfit(Vec<String>),
}

impl WeightsError {
    /// Returns true if the fault is with this machine, not with the weights.
    #[must_use]
    pub(crate) fn is_local(&self) -> bool {
        matches!(
            self,
            Self::Read { .. } | Self::Pack(burn_pack::Error::IoError(_))
        )
    }

    /// Next step for the user, where there is one.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Call(_) => "ask the publisher for weights in safetensors",
            Self::DType { .. } => "convert the weights to one of these types",
            Self::Container(_) | Self::PyTorch(_) => {
                "the file may have been cut, or be of another format: get it again"
            }
            Self::SeveralEncoders(_) => "save the one encoder that computes the vectors",
            Self::Missing(_) | Self::Unexpected(_) | Self::Unfit(_) => {
                "take config.json and weights from the same revision of the model"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// Most names in a message.
const MAX_NAMES: usize = 3;

/// The first of several names, and the number of the others.
fn first_of(names: &[String]) -> String {
    let shown = names.iter().take(MAX_NAMES).map(String::as_str);
    let shown: Vec<&str> = shown.collect();
    match names.len().saturating_sub(MAX_NAMES) {
        0 => shown.join("; "),
        others => format!("{}; and {others} more", shown.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_a_few_names() {
        let names = |count: usize| (0..count).map(|n| format!("n{n}")).collect();
        let message = |count| WeightsError::Missing(names(count)).to_string();
        assert_eq!(message(3), "the weights lack n0; n1; n2");
        assert_eq!(message(200), "the weights lack n0; n1; n2; and 197 more");
    }
}
