//! One daemon per socket: a lock on a file beside the socket. The system releases the lock when the
//! process ends, whatever ends it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::PathBuf;

use gte_shared::endpoint::{Endpoint, EndpointError};
use gte_shared::private_file;

/// Lock that a daemon holds as long as it serves the socket.
#[derive(Debug)]
pub(crate) struct InstanceLock {
    /// Open file that holds the lock; it is never read.
    _file: File,
}

/// Failure to take the lock of the socket. The message says what is wrong; [`hint`](Self::hint)
/// says what to do next.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InstanceError {
    /// Another daemon holds the lock.
    #[error("already running at {}", .0.display())]
    AlreadyRunning(PathBuf),
    /// The socket has no usable path.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The lock file cannot be opened or locked.
    #[error("the lock {} cannot be taken: {source}", path.display())]
    Lock {
        /// Lock file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
}

impl InstanceError {
    /// Next step for the user, where there is one.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::AlreadyRunning(_) => Some(
                "stop it with `gte stop`, or choose another socket with --socket or GTE_SOCKET"
                    .to_owned(),
            ),
            Self::Endpoint(error) => error.hint(),
            Self::Lock { .. } => {
                Some("choose another socket with --socket or GTE_SOCKET".to_owned())
            }
        }
    }
}

impl InstanceLock {
    /// Takes the lock. The file stays when the lock is released: removing the file would let two
    /// daemons lock two different files of the same name.
    ///
    /// # Errors
    ///
    /// [`InstanceError::AlreadyRunning`] if another daemon holds the lock.
    pub(crate) fn acquire(endpoint: &Endpoint) -> Result<Self, InstanceError> {
        endpoint.prepare_directory()?;
        let path = endpoint.lock_path();
        let failed = |source| InstanceError::Lock {
            path: path.clone(),
            source,
        };
        let file = private_file::open(OpenOptions::new().write(true), &path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => {
                Err(InstanceError::AlreadyRunning(endpoint.path().to_owned()))
            }
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}
