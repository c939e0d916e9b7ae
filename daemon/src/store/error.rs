//! Errors of the store.

use std::io;
use std::path::{Path, PathBuf};

use super::http::HttpError;
use crate::engine::EmbedError;
use crate::model::{BUILTIN, ModelError};
use crate::weights::WeightsError;

/// Failure of an operation on the store. The message says what is wrong; [`hint`](Self::hint) says
/// what to do next.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The environment names no folder for data.
    #[error("no folder for models: neither XDG_DATA_HOME nor HOME is an absolute path")]
    NoPlace,
    /// A file or folder of the store cannot be used.
    #[error("{} cannot be used: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The name is neither that of an installed model nor in the catalog.
    #[error("unknown model {0}")]
    Unknown(String),
    /// The model is known, but not installed.
    #[error("{0} is not installed")]
    NotInstalled(String),
    /// The built-in model, which cannot be removed.
    #[error("{BUILTIN} is part of the program")]
    Builtin,
    /// A model under a name of the catalog, from a repository that does not publish it.
    #[error("{name} is from {origin}, which does not publish that model")]
    Usurped {
        /// The name.
        name: String,
        /// Source of the installed model.
        origin: String,
    },
    /// The name of the built-in model, for another one.
    #[error("{BUILTIN} is the name of the built-in model")]
    Reserved,
    /// A name that could lead out of the folder of models.
    #[error("{0:?} cannot be a model's name")]
    Name(String),
    /// A name that no repository can have.
    #[error("{0:?} is not a repository name")]
    Repository(String),
    /// The name belongs to another model.
    #[error("another model or revision is installed as {name}, from {origin}")]
    Taken {
        /// The name.
        name: String,
        /// Source and revision of the installed model.
        origin: String,
    },
    /// Another process pulls the model.
    #[error("another gted is pulling {0}")]
    Busy(String),
    /// The manifest belongs to a newer program, or is damaged.
    #[error("the manifest of {name} cannot be read: {problem}")]
    Manifest {
        /// The model.
        name: String,
        /// The problem with the manifest.
        problem: String,
    },
    /// A file has changed since the model was installed.
    #[error("{file} of {name} is damaged: its checksum has changed since the installation")]
    Damaged {
        /// The model.
        name: String,
        /// The file.
        file: String,
    },
    /// The program's own data is damaged.
    #[error("the program's own {file} cannot be read: {source}")]
    BuiltinData {
        /// The file.
        file: &'static str,
        /// The problem with the file.
        source: serde_json::Error,
    },
    /// A request to a hub failed.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The network is forbidden, and the model is not on this machine.
    #[error("{0} is not on this machine, and the network is not to be used")]
    Offline(String),
    /// The network is forbidden, and a cache on this machine has a part of the model.
    #[error("the copy in {} is incomplete: it has no weights", .0.display())]
    IncompleteCache(PathBuf),
    /// A revision that could lead out of a folder.
    #[error("{0:?} cannot be a revision")]
    Revision(String),
    /// A download has more bytes than it should have.
    #[error("{file} has more than the expected {most} bytes; the download was discarded")]
    TooLong {
        /// The file.
        file: String,
        /// The most bytes that the file should have.
        most: u64,
    },
    /// A download ended early.
    #[error("{file} is incomplete: {have} of {size} bytes arrived")]
    Incomplete {
        /// The file.
        file: String,
        /// Bytes that arrived.
        have: u64,
        /// Bytes that the file should have.
        size: u64,
    },
    /// A download does not have the checksum that the hub states.
    #[error("{0}: checksum mismatch; the download was discarded")]
    Checksum(String),
    /// The disk is too full.
    #[error(
        "not enough disk space at {}: {} MB are free, and {} MB are needed",
        path.display(), free / 1_000_000, needed.div_ceil(1_000_000)
    )]
    NoSpace {
        /// The folder.
        path: PathBuf,
        /// Free bytes.
        free: u64,
        /// Needed bytes.
        needed: u64,
    },
    /// The files cannot be used as a model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The weights cannot be used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The installed model failed to compute.
    #[error(transparent)]
    Compute(#[from] EmbedError),
}

impl StoreError {
    /// Next step for the user, where there is one.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::NoPlace => Some("set XDG_DATA_HOME or HOME to an absolute path".to_owned()),
            Self::Unknown(_) => {
                Some("`gted models` lists the installed and the known models; other repositories are called owner/name, such as google-bert/bert-base-chinese".to_owned())
            }
            Self::NotInstalled(_) => Some("install it with `gted pull`".to_owned()),
            Self::Name(_) => {
                Some("name it with --name: letters, digits, '-', '_' and '.', and a letter or digit in front".to_owned())
            }
            Self::Reserved => {
                Some("install it under another name with `gted convert DIR --name NAME`".to_owned())
            }
            Self::Usurped { name, .. } => Some(format!(
                "remove it with `gted remove {name}`, then pull it again"
            )),
            Self::Repository(name) => Some(match repository_in(name) {
                Some(repository) => format!("name the repository: `gted pull {repository}`"),
                None => "a repository is called owner/name, in letters, digits, '-', '_' and '.'"
                    .to_owned(),
            }),
            Self::Taken { name, .. } => Some(format!("remove it with `gted remove {name}`")),
            Self::Busy(_) => Some("stop that pull, or wait until it is done".to_owned()),
            Self::Manifest { .. } => Some("pull or convert the model again".to_owned()),
            Self::Damaged { name, .. } => Some(format!(
                "run `gted remove {name}`, then pull or convert the model again"
            )),
            Self::Http(error) => error.hint(),
            Self::Offline(_) | Self::IncompleteCache(_) => Some(
                "pull without --offline, and with HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE unset"
                    .to_owned(),
            ),
            Self::Revision(_) => {
                Some("name a branch, a tag or a commit of the repository".to_owned())
            }
            Self::Incomplete { .. } => {
                Some("pull again; the next pull resumes an interrupted one".to_owned())
            }
            Self::Checksum(_) => Some("pull again".to_owned()),
            Self::Io { .. }
            | Self::Builtin
            | Self::BuiltinData { .. }
            | Self::TooLong { .. }
            | Self::NoSpace { .. }
            | Self::Compute(_) => None,
            Self::Model(error) => error.hint(),
            Self::Weights(error) => error.hint(),
        }
    }

    /// Returns true if the cause is on this machine, so that no other source would help.
    pub(super) fn is_local(&self) -> bool {
        match self {
            Self::NoPlace
            | Self::Io { .. }
            | Self::NoSpace { .. }
            | Self::Taken { .. }
            | Self::Reserved
            | Self::Usurped { .. }
            | Self::Http(HttpError::ProxyVariable { .. })
            | Self::Model(ModelError::Read { .. } | ModelError::Threads(_)) => true,
            Self::Weights(weights) | Self::Model(ModelError::Weights(weights)) => {
                weights.is_local()
            }
            _ => false,
        }
    }

    /// Returns true if the model's files are at fault, so that the same files would fail again.
    pub(super) fn is_content(&self) -> bool {
        match self {
            // The user can state the pooling.
            Self::Model(ModelError::PoolingUnknown) => false,
            Self::Model(_) | Self::Weights(_) => !self.is_local(),
            _ => false,
        }
    }
}

/// Finds `owner/name` in the address of a repository's page.
fn repository_in(address: &str) -> Option<String> {
    let (_, rest) = address.split_once("://").unwrap_or(("", address));
    let mut parts = rest.split('/');
    // A host has a dot, and an owner has none before a repository's name.
    parts.next().filter(|host| host.contains('.'))?;
    let mut parts = parts.filter(|part| *part != "models");
    let (owner, name) = (parts.next()?, parts.next()?);
    (!owner.is_empty() && !name.is_empty()).then(|| format!("{owner}/{name}"))
}

/// Makes the argument of `map_err`: the system's error about a path as an error of the store.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    |source| StoreError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_answered_with_its_repository() {
        for address in [
            "https://huggingface.co/BAAI/bge-small-zh-v1.5/tree/main",
            "hf-mirror.com/BAAI/bge-small-zh-v1.5",
            "https://www.modelscope.cn/models/BAAI/bge-small-zh-v1.5",
        ] {
            let hint = StoreError::Repository(address.to_owned()).hint().unwrap();
            assert!(
                hint.contains("`gted pull BAAI/bge-small-zh-v1.5`"),
                "{hint}"
            );
        }
        let hint = StoreError::Repository("a/b/c".to_owned()).hint().unwrap();
        assert!(hint.contains("is called owner/name"), "{hint}");
    }

    #[test]
    fn hint_of_a_request_is_that_of_its_http_error() {
        let error = StoreError::from(HttpError::RateLimited {
            host: "hub.example".to_owned(),
            status: 429,
            retry_after: Some("17".to_owned()),
        });
        assert_eq!(error.to_string(), "hub.example is rate limiting (429)");
        assert_eq!(error.hint().as_deref(), Some("try again after 17 s"));
    }
}
