//! One daemon per socket: a lock on a file beside the socket. The system releases the lock when the
//! process ends, whatever ends it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use gte_shared::VERSION;
use gte_shared::endpoint::{AnsweringModel, Endpoint, EndpointError, Holder};
use gte_shared::private_file;

/// Time in which a client that looks at the lock gives it back: it holds it for microseconds.
const PROBE_TIME: Duration = Duration::from_millis(20);

/// Pause between two attempts to take the lock.
const PAUSE: Duration = Duration::from_millis(1);

/// Lock that a daemon holds as long as it serves the socket. The file has a record of the daemon.
#[derive(Debug)]
pub(crate) struct InstanceLock {
    file: File,
    path: PathBuf,
    drain_seconds: u64,
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
    /// Takes the lock, and records that this process holds it. The file stays when the lock is
    /// released: removing the file would let two daemons lock two different files of the same name.
    ///
    /// # Errors
    ///
    /// [`InstanceError::AlreadyRunning`] if another daemon holds the lock.
    pub(crate) fn acquire(endpoint: &Endpoint, drain_seconds: u64) -> Result<Self, InstanceError> {
        let path = endpoint.lock_path();
        let failed = |source| InstanceError::Lock {
            path: path.clone(),
            source,
        };
        loop {
            endpoint.prepare_directory()?;
            let file = private_file::open(OpenOptions::new().write(true), &path).map_err(failed)?;
            let deadline = Instant::now() + PROBE_TIME;
            loop {
                match file.try_lock() {
                    Ok(()) => break,
                    Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(PAUSE),
                    Err(TryLockError::WouldBlock) => {
                        return Err(InstanceError::AlreadyRunning(endpoint.path().to_owned()));
                    }
                    Err(TryLockError::Error(source)) => return Err(failed(source)),
                }
            }
            let lock = Self {
                file,
                path: path.clone(),
                drain_seconds,
            };
            // The folder may have been removed between opening and locking.
            if lock.is_current() {
                // What a crashed daemon has left.
                let crashed = endpoint.holder().and_then(|holder| holder.model);
                // A full disk is not a reason to answer nobody.
                if let Err(error) = lock.write(crashed, true) {
                    tracing::warn!(%error, path = %path.display(), "record not written");
                }
                return Ok(lock);
            }
        }
    }

    /// Returns true while the file at the path of the lock is the locked one, so that no other
    /// daemon can hold a lock for the same socket.
    pub(crate) fn is_current(&self) -> bool {
        let (Ok(locked), Ok(named)) = (self.file.metadata(), self.path.symlink_metadata()) else {
            return false;
        };
        (locked.dev(), locked.ino()) == (named.dev(), named.ino())
    }

    /// Records the model that answers from now on.
    pub(crate) fn record(&self, model: AnsweringModel) {
        if let Err(error) = self.write(Some(model), false) {
            tracing::warn!(%error, path = %self.path.display(), "record not written");
        }
    }

    /// Removes the record at the end of a daemon that has not crashed.
    pub(crate) fn clear(&self) {
        if let Err(error) = self.file.set_len(0) {
            tracing::warn!(%error, path = %self.path.display(), "record of the daemon not removed");
        }
    }

    fn write(&self, model: Option<AnsweringModel>, loading: bool) -> io::Result<()> {
        let record = Holder {
            pid: std::process::id(),
            version: VERSION.to_owned(),
            model,
            loading,
            drain_seconds: Some(self.drain_seconds),
        };
        let json = serde_json::to_vec(&record)?;
        // A reader that comes in between reads no valid record, and takes it for none.
        self.file.set_len(0)?;
        self.file.write_all_at(&json, 0)
    }
}

#[cfg(test)]
mod tests {
    use gte_shared::wire::Precision;

    use super::*;

    fn model() -> AnsweringModel {
        AnsweringModel {
            id: "model".to_owned(),
            precision: Precision::F32,
        }
    }

    #[test]
    fn a_record_outlasts_a_crash_and_not_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let endpoint = Endpoint::resolve(Some(&folder.path().join("s"))).unwrap();
        let lock = InstanceLock::acquire(&endpoint, 30).unwrap();
        assert_eq!(endpoint.holder().unwrap().model, None);
        lock.record(model());
        let recorded = endpoint.holder().unwrap();
        assert_eq!(recorded.pid, std::process::id());
        assert_eq!((recorded.model, recorded.loading), (Some(model()), false));
        drop(lock);
        let lock = InstanceLock::acquire(&endpoint, 30).unwrap();
        let after_a_crash = endpoint.holder().unwrap();
        assert_eq!(after_a_crash.model, Some(model()));
        assert!(after_a_crash.loading);
        lock.clear();
        assert_eq!(endpoint.holder(), None);
    }

    #[test]
    fn a_lock_whose_file_is_gone_is_not_current() {
        let folder = tempfile::tempdir().unwrap();
        let endpoint = Endpoint::resolve(Some(&folder.path().join("s"))).unwrap();
        let lock = InstanceLock::acquire(&endpoint, 30).unwrap();
        assert!(lock.is_current());
        assert!(InstanceLock::acquire(&endpoint, 30).is_err());
        std::fs::remove_file(endpoint.lock_path()).unwrap();
        assert!(!lock.is_current());
        let other = InstanceLock::acquire(&endpoint, 30).unwrap();
        assert!(other.is_current() && !lock.is_current());
    }
}
