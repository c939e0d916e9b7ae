//! One daemon a socket: a lock on a file beside it, which the system releases with the process,
//! however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use gte_shared::endpoint::{Endpoint, EndpointError};

/// Held as long as this daemon serves the socket.
#[derive(Debug)]
pub struct InstanceLock {
    /// Never read: its lock is what counts.
    _file: File,
}

/// Why this daemon cannot have the socket.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// Another daemon has it.
    #[error("already running at {}", .0.display())]
    AlreadyRunning(PathBuf),
    /// There is no place for the socket.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The file cannot be opened or locked.
    #[error("the lock {} cannot be taken: {source}", path.display())]
    Lock {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl InstanceLock {
    /// Takes the lock. The file stays when the lock is released: removing it would let two daemons
    /// lock two different files of the same name.
    ///
    /// # Errors
    ///
    /// [`InstanceError::AlreadyRunning`] when another daemon holds it.
    pub fn acquire(endpoint: &Endpoint) -> Result<Self, InstanceError> {
        endpoint.prepare_directory()?;
        let path = endpoint.lock_path();
        let failed = |source| InstanceError::Lock {
            path: path.clone(),
            source,
        };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => {
                Err(InstanceError::AlreadyRunning(endpoint.path().to_owned()))
            }
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}
