//! One daemon per socket: a lock on a file beside the socket. The system releases the lock when the
//! process ends, whatever ends it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use gte_shared::VERSION;
use gte_shared::endpoint::{AnsweringModel, Endpoint, EndpointError, Holder};
use gte_shared::private_file;

/// Time in which a client that looks at the lock gives it back: it holds it for microseconds.
const PROBE_TIME: Duration = Duration::from_millis(20);

/// Pause between two attempts to take the lock.
const PAUSE: Duration = Duration::from_millis(1);

/// Longest wait of a daemon whose socket a service manager has bound: the daemon before it sees
/// that its socket has been replaced, drains and ends. Less than the 90 s that a service manager
/// waits for a start (`DefaultTimeoutStartSec`, systemd-system.conf(5)).
const HANDOVER_TIMEOUT: Duration = Duration::from_mins(1);

/// Wait for a lock that another daemon holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfHeld {
    /// None: the other daemon serves the socket.
    Refuse,
    /// Until the other daemon ends: the socket is this daemon's already.
    Wait,
}

/// Lock that a daemon holds as long as it serves the socket. The file has a record of the daemon.
#[derive(Debug)]
pub(crate) struct InstanceLock {
    path: PathBuf,
    held: Mutex<Held>,
}

/// The locked file and its record.
#[derive(Debug)]
struct Held {
    file: File,
    record: Holder,
    /// True once the record has been removed, for good.
    cleared: bool,
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
    pub(crate) fn acquire(
        endpoint: &Endpoint,
        drain_seconds: u64,
        if_held: IfHeld,
    ) -> Result<Self, InstanceError> {
        let path = endpoint.lock_path();
        let failed = |source| InstanceError::Lock {
            path: path.clone(),
            source,
        };
        let start = Instant::now();
        let mut told = false;
        loop {
            endpoint.prepare_directory()?;
            let file = private_file::open(OpenOptions::new().write(true), &path).map_err(failed)?;
            loop {
                let waited = start.elapsed();
                match file.try_lock() {
                    Ok(()) => break,
                    Err(TryLockError::WouldBlock) if waited < PROBE_TIME => sleep(PAUSE),
                    Err(TryLockError::WouldBlock)
                        if if_held == IfHeld::Wait && waited < HANDOVER_TIMEOUT =>
                    {
                        if !told {
                            told = true;
                            let pid = endpoint.holder().map(|holder| holder.pid);
                            tracing::info!(pid, "waiting for the end of the daemon before");
                        }
                        sleep(PROBE_TIME);
                    }
                    Err(TryLockError::WouldBlock) => {
                        return Err(InstanceError::AlreadyRunning(endpoint.path().to_owned()));
                    }
                    Err(TryLockError::Error(source)) => return Err(failed(source)),
                }
            }
            // The folder may have been removed between opening and locking.
            if is_at(&file, &path) {
                let held = Held {
                    file,
                    record: Holder {
                        pid: std::process::id(),
                        version: VERSION.to_owned(),
                        // What a crashed daemon has left.
                        model: endpoint.holder().and_then(|holder| holder.model),
                        loading: true,
                        ending: false,
                        drain_seconds: Some(drain_seconds),
                    },
                    cleared: false,
                };
                held.write(&path);
                return Ok(Self {
                    path,
                    held: Mutex::new(held),
                });
            }
        }
    }

    /// Returns true while no other daemon can hold a lock for the same socket: the file at the path
    /// of the lock is the locked one. A file that has been removed alone is made and locked again.
    pub(crate) fn keep(&self) -> bool {
        let mut held = self.held();
        if is_at(&held.file, &self.path) {
            return true;
        }
        let made = private_file::open(OpenOptions::new().write(true).create_new(true), &self.path);
        match made {
            Ok(file) if file.try_lock().is_ok() && is_at(&file, &self.path) => {
                tracing::warn!("the lock file was removed: made again");
                held.file = file;
                held.write(&self.path);
                true
            }
            _ => false,
        }
    }

    /// Records the model that answers from now on.
    pub(crate) fn record(&self, model: AnsweringModel) {
        let mut held = self.held();
        held.record.model = Some(model);
        held.record.loading = false;
        held.write(&self.path);
    }

    /// Records a changed drain timeout, for clients that wait for the end.
    pub(crate) fn set_drain(&self, seconds: u64) {
        let mut held = self.held();
        held.record.drain_seconds = Some(seconds);
        held.write(&self.path);
    }

    /// Records that the daemon takes no further requests. Who connects to a service manager's
    /// socket from now on would have the next daemon started.
    pub(crate) fn record_ending(&self) {
        let mut held = self.held();
        held.record.ending = true;
        held.write(&self.path);
    }

    /// Removes the record at the end of a daemon that has not crashed.
    pub(crate) fn clear(&self) {
        let mut held = self.held();
        held.cleared = true;
        if let Err(error) = held.file.set_len(0) {
            tracing::warn!(%error, path = %self.path.display(), "record of the daemon not removed");
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // File and record are each replaced as a whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Writes the record. A full disk is not a reason to answer nobody.
    fn write(&self, path: &Path) {
        if self.cleared {
            return;
        }
        let written = serde_json::to_vec(&self.record).map_err(io::Error::other);
        let written = written.and_then(|json| {
            // A reader that comes in between reads no valid record, and takes it for none.
            self.file.set_len(0)?;
            self.file.write_all_at(&json, 0)
        });
        if let Err(error) = written {
            tracing::warn!(%error, path = %path.display(), "record not written");
        }
    }
}

/// Returns true if the file at the path is this one.
fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(file), Ok(named)) = (file.metadata(), path.symlink_metadata()) else {
        return false;
    };
    (file.dev(), file.ino()) == (named.dev(), named.ino())
}

#[cfg(test)]
mod tests {
    use gte_shared::wire::Precision;

    use super::*;

    fn acquire(endpoint: &Endpoint) -> Result<InstanceLock, InstanceError> {
        InstanceLock::acquire(endpoint, 30, IfHeld::Refuse)
    }

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
        let lock = acquire(&endpoint).unwrap();
        assert_eq!(endpoint.holder().unwrap().model, None);
        lock.record(model());
        lock.set_drain(90);
        assert!(!endpoint.is_ending().unwrap());
        lock.record_ending();
        assert!(endpoint.is_ending().unwrap());
        assert_eq!(endpoint.holder().unwrap().drain_seconds, Some(90));
        let recorded = endpoint.holder().unwrap();
        assert_eq!(recorded.pid, std::process::id());
        assert_eq!((recorded.model, recorded.loading), (Some(model()), false));
        drop(lock);
        let lock = acquire(&endpoint).unwrap();
        let after_a_crash = endpoint.holder().unwrap();
        assert_eq!(after_a_crash.model, Some(model()));
        assert!(after_a_crash.loading);
        lock.clear();
        lock.record_ending();
        assert_eq!(endpoint.holder(), None);
    }

    #[test]
    fn a_lock_that_another_daemon_has_taken_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let endpoint = Endpoint::resolve(Some(&folder.path().join("s"))).unwrap();
        let lock = acquire(&endpoint).unwrap();
        assert!(lock.keep());
        assert!(acquire(&endpoint).is_err());
        std::fs::remove_file(endpoint.lock_path()).unwrap();
        let other = acquire(&endpoint).unwrap();
        assert!(other.keep() && !lock.keep());
    }

    #[test]
    fn a_removed_lock_file_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let endpoint = Endpoint::resolve(Some(&folder.path().join("s"))).unwrap();
        let lock = acquire(&endpoint).unwrap();
        lock.record(model());
        std::fs::remove_file(endpoint.lock_path()).unwrap();
        assert!(lock.keep());
        assert!(endpoint.is_held().unwrap());
        assert_eq!(endpoint.holder().unwrap().model, Some(model()));
        assert!(acquire(&endpoint).is_err());
    }

    #[test]
    fn a_daemon_with_a_socket_waits_for_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let endpoint = Endpoint::resolve(Some(&folder.path().join("s"))).unwrap();
        let before = acquire(&endpoint).unwrap();
        let ending = std::thread::spawn(move || {
            sleep(3 * PROBE_TIME);
            drop(before);
        });
        assert!(InstanceLock::acquire(&endpoint, 30, IfHeld::Wait).is_ok());
        ending.join().unwrap();
    }
}
