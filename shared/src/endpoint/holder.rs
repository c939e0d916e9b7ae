//! The record of the daemon that holds a socket, in the socket's lock file.
//!
//! A daemon that ends in good order empties the file. What a crash leaves in it tells the next
//! client which model used to answer.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::wire::{ModelInfo, Precision};

/// Most bytes of a record: a name of a model has at most 255.
pub(super) const MAX_BYTES: u64 = 4096;

/// Daemon that holds a socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// Version of the daemon.
    pub version: String,
    /// Model that answers. While `loading`, the one that answered before a crash, if any.
    pub model: Option<AnsweringModel>,
    /// True until the first model has been loaded.
    pub loading: bool,
    /// True once the daemon takes no further requests.
    #[serde(default)]
    pub ending: bool,
    /// Seconds for running requests to be answered once the daemon ends.
    pub drain_seconds: Option<u64>,
}

/// A model as far as scores depend on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnsweringModel {
    /// Name.
    pub id: String,
    /// Type that it multiplies in.
    pub precision: Precision,
}

impl fmt::Display for AnsweringModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.id, self.precision.name())
    }
}

impl From<&ModelInfo> for AnsweringModel {
    fn from(model: &ModelInfo) -> Self {
        Self {
            id: model.id.clone(),
            precision: model.precision,
        }
    }
}
