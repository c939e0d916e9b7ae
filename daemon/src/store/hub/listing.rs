//! Files of a repository, at its hub or in a cache on this machine.

use std::path::PathBuf;

use super::remote_file::RemoteFile;

/// Files of a repository at one revision.
#[derive(Debug)]
pub(in crate::store) struct Listing {
    /// The commit, if the hub states it, else the requested revision.
    pub(in crate::store) revision: String,
    /// The files of the model, without those that an index of weights names.
    pub(in crate::store) files: Vec<RemoteFile>,
    /// Files that the hub refused (401 or 403), as some stores answer for what they do not have.
    pub(in crate::store) refused: Vec<String>,
    /// All other files, if the hub lists them.
    pub(super) others: Vec<RemoteFile>,
}

/// A repository in the cache of a hub's own client.
#[derive(Debug)]
pub(in crate::store) struct Cached {
    pub(in crate::store) folder: PathBuf,
    /// The commit, if the cache states it.
    pub(in crate::store) revision: Option<String>,
    /// True if nothing says that it is the newest: it is the only one.
    pub(in crate::store) is_only: bool,
}

/// Result of a search in the caches.
#[derive(Debug, Default)]
pub(in crate::store) struct CacheSearch {
    /// The first folder with all files of a model.
    pub(in crate::store) found: Option<Cached>,
    /// Folders without weights, as an interrupted download leaves them.
    pub(in crate::store) incomplete: Vec<PathBuf>,
}
