//! The request for a model: its name, and the limits on its source.

use std::path::PathBuf;

use gte_shared::wire::Pooling;

use super::catalogue::Hub;

/// Source that a model is pulled from.
#[derive(Clone, Debug)]
pub enum PullSource {
    /// A hub.
    Hub(Hub),
    /// A mirror of Hugging Face, by its address.
    Mirror(String),
    /// A folder on this machine.
    Folder(PathBuf),
}

/// Request to pull a model.
#[derive(Clone, Debug)]
pub struct PullRequest {
    /// A name in the catalogue, or `owner/name` of a repository.
    pub model: String,
    /// The source; `None` for any hub.
    pub from: Option<PullSource>,
    /// A revision other than the newest.
    pub revision: Option<String>,
    /// Pooling of a model whose files do not state it.
    pub pooling: Option<Pooling>,
    /// Prohibition of the network.
    pub offline: bool,
}
