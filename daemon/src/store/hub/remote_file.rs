//! Files of a model at a hub.

use super::checksum::Checksum;
use crate::model::{MODULES, PIPELINE, POOLING, SENTENCE_CONFIGS};

/// The model's files other than weights. They are small and fetched first, so that an unusable
/// model is detected before its weights are fetched.
pub(in crate::store) const FILES: [&str; 8] = [
    "config.json",
    MODULES,
    PIPELINE,
    POOLING,
    SENTENCE_CONFIGS[0],
    "tokenizer_config.json",
    "tokenizer.json",
    "vocab.txt",
];

/// Forms of weights. The first one that a repository has is fetched.
pub(in crate::store) const WEIGHTS: [&str; 3] = [
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
];

/// One file of a repository.
#[derive(Clone, Debug)]
pub(in crate::store) struct RemoteFile {
    /// Path in the repository.
    pub(in crate::store) path: String,
    pub(in crate::store) url: String,
    pub(in crate::store) size: Option<u64>,
    pub(in crate::store) checksum: Option<Checksum>,
}

impl RemoteFile {
    /// Returns true for a weights file; all other files are small.
    pub(in crate::store) fn is_weights(&self) -> bool {
        [".safetensors", ".bin"]
            .iter()
            .any(|end| self.path.ends_with(end))
    }
}
