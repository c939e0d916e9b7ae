//! Errors of the endpoint.

use std::io;
use std::path::PathBuf;

use super::limits::MAX_SOCKET_PATH_BYTES;

/// Failure to find a usable endpoint. The message says what is wrong; [`hint`](Self::hint) says
/// what to do next.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The path is too long for the operating system.
    #[error(
        "the socket path {} is {} bytes long; the limit is {MAX_SOCKET_PATH_BYTES}",
        .0.display(), .0.as_os_str().len()
    )]
    TooLong(PathBuf),
    /// A path that cannot be a socket's.
    #[error("{} cannot be a socket's path: {source}", path.display())]
    Name {
        /// The path.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The folder cannot be created or read.
    #[error("the socket's folder {} cannot be used: {source}", path.display())]
    Directory {
        /// The folder.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// Other users can replace what is in the folder.
    #[error("the socket's folder {} is not safe: it {problem}", path.display())]
    Unsafe {
        /// The folder.
        path: PathBuf,
        /// Fault of the folder.
        problem: &'static str,
        /// Next step for the user.
        hint: &'static str,
    },
    /// The lock file cannot be read.
    #[error("the lock {} cannot be read: {source}", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The process at the other end of the connection belongs to another user.
    #[error("the process at the other end of the socket belongs to user {0}")]
    Foreign(u32),
    /// The listener had no room for the connection.
    #[error("the socket takes no more connections for now")]
    NotConnected,
    /// The system does not say which user the process at the other end belongs to.
    #[error("the user of the process at the other end of the socket is unknown: {0}")]
    UnknownPeer(io::Error),
}

impl EndpointError {
    /// Next step for the user, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TooLong(_) => {
                Some("choose a shorter path with --socket or GTE_SOCKET".to_owned())
            }
            Self::Unsafe { hint, .. } => Some((*hint).to_owned()),
            Self::Directory { .. } | Self::Lock { .. } | Self::Foreign(_) => {
                Some("choose another path with --socket or GTE_SOCKET".to_owned())
            }
            Self::NotConnected => Some("try again in a moment".to_owned()),
            Self::Name { .. } | Self::UnknownPeer(_) => None,
        }
    }
}
