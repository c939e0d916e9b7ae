//! Why the store cannot do what it was asked for.

use std::io;
use std::path::{Path, PathBuf};

use super::http::HttpError;
use super::manifest::Manifest;
use crate::engine::EmbedError;
use crate::model::{EMBEDDED, ModelError};
use crate::weights::WeightsError;

/// Why the store cannot do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The environment names no place for data.
    #[error("there is no place for models: set XDG_DATA_HOME or HOME to an absolute path")]
    NoPlace,
    /// A file or folder of the store cannot be used.
    #[error("{} cannot be used: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No such model.
    #[error("there is no model {0}: `gted models` lists those that are installed and known")]
    Unknown(String),
    /// The model is known, but not here.
    #[error("{0} is not installed: `gted pull` gets models")]
    NotInstalled(String),
    /// The embedded model can be neither removed nor replaced.
    #[error("{EMBEDDED} is part of the program")]
    Embedded,
    /// A name that could leave the folder of the models.
    #[error(
        "{0:?} cannot be a model's name: letters, digits, '-', '_' and '.' can, and no '.' in front"
    )]
    Name(String),
    /// A name that is no repository's.
    #[error(
        "{0:?} is no repository: it is called owner/name, in letters, digits, '-', '_' and '.'"
    )]
    Repository(String),
    /// The name is another model's already.
    #[error(
        "another model or revision is installed as {name}, from {origin}: `gted remove {name}` makes room"
    )]
    Taken {
        /// The name.
        name: String,
        /// Where the installed model is from, and which revision it is.
        origin: String,
    },
    /// Another process is at it.
    #[error("another gted is pulling {0}: stop that, or wait until it is done")]
    Busy(String),
    /// The manifest is of a newer program, or damaged.
    #[error("the manifest of {name} cannot be read: {problem}; pull or convert the model again")]
    Manifest {
        /// The model.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// A file is not what it was when the model was installed.
    #[error(
        "{file} of {name} is damaged: its checksum is not the one of its installation; `gted remove {name}`, and pull or convert it again"
    )]
    Damaged {
        /// The model.
        name: String,
        /// The file.
        file: String,
    },
    /// The program itself is damaged.
    #[error("the program's own {file} cannot be read: {source}")]
    Builtin {
        /// The file.
        file: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A hub does not give what it was asked for.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The network must not be used, and the model is not on this machine.
    #[error("{0} is not on this machine, and the network is not to be used")]
    Offline(String),
    /// A download gave more than there should be.
    #[error("{file} has more than the {most} bytes that it should have; it was thrown away")]
    TooLong {
        /// The file.
        file: String,
        /// Bytes that there should be at most.
        most: u64,
    },
    /// A download ended early.
    #[error("{file} is not whole: {have} bytes of {size} came; pull again to go on")]
    Incomplete {
        /// The file.
        file: String,
        /// Bytes that came.
        have: u64,
        /// Bytes that there should be.
        size: u64,
    },
    /// A download is not what the hub states it to be.
    #[error(
        "{0} is not what the hub states: its checksum is another; it was thrown away, pull again"
    )]
    Checksum(String),
    /// The disk is too full.
    #[error("there is no room at {}: {} MB are free, and {} MB are needed", path.display(), free / 1_000_000, needed.div_ceil(1_000_000))]
    NoSpace {
        /// Where.
        path: PathBuf,
        /// Bytes that are free.
        free: u64,
        /// Bytes that are needed.
        needed: u64,
    },
    /// What is there cannot be used as a model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The weights cannot be used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The installed model does not compute.
    #[error(transparent)]
    Compute(#[from] EmbedError),
}

impl StoreError {
    /// The name is this model's already.
    pub(super) fn taken(manifest: Manifest) -> Self {
        let source = manifest.origin.source;
        Self::Taken {
            name: manifest.name,
            origin: match manifest.origin.revision {
                Some(revision) => format!("{source} at {revision}"),
                None => source,
            },
        }
    }

    /// Whether it is this machine's fault, or another program's on it, so that no other source would
    /// help.
    pub(super) fn is_local(&self) -> bool {
        match self {
            Self::NoPlace
            | Self::Io { .. }
            | Self::NoSpace { .. }
            | Self::Taken { .. }
            | Self::Model(ModelError::Read { .. } | ModelError::Threads(_)) => true,
            Self::Weights(weights) | Self::Model(ModelError::Weights(weights)) => {
                weights.is_local()
            }
            _ => false,
        }
    }

    /// Whether a model's files are at fault, so that fetching the same ones again would not help.
    pub(super) fn is_content(&self) -> bool {
        match self {
            // Which the user can say.
            Self::Model(ModelError::PoolingUnknown) => false,
            Self::Model(_) | Self::Weights(_) => !self.is_local(),
            _ => false,
        }
    }
}

/// For `map_err`: an error of the system about a path.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    |source| StoreError::Io { path, source }
}
