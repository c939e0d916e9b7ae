//! The request to pull a model: its name, source and revision.

use std::path::PathBuf;

use gte_shared::wire::Pooling;

use super::catalog::Hub;

/// Source that a model is pulled from.
#[derive(Clone, Debug)]
pub(crate) enum PullSource {
    /// A hub.
    Hub(Hub),
    /// A mirror of Hugging Face, by its address.
    Mirror(String),
    /// A folder on this machine.
    Folder(PathBuf),
}

/// Request to pull a model.
#[derive(Clone, Debug)]
pub(crate) struct PullRequest {
    /// Name in the catalog, or `owner/name` of a repository.
    pub(crate) model: String,
    /// Source; `None` for any hub.
    pub(crate) from: Option<PullSource>,
    /// Revision other than the newest.
    pub(crate) revision: Option<String>,
    /// Pooling of a model whose files do not state it.
    pub(crate) pooling: Option<Pooling>,
    /// True if the network must not be used.
    pub(crate) offline: bool,
}
