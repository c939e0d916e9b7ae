//! The thread that keeps the file: requests wait for a disk for a bounded time alone.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};

use gte_shared::report;
use gte_shared::wire::DiskCacheStatus;
use tokio::sync::oneshot;

use super::error::FileError;
use super::file::VectorFile;
use super::key::Key;
use super::value::Vector;

/// A message to the thread.
pub(super) enum Message {
    /// Look up the vectors of keys.
    Get {
        keys: Vec<Key>,
        found: oneshot::Sender<Vec<Option<Vector>>>,
    },
    /// Write vectors.
    Put(Vec<(Key, Vector)>),
    /// Close the file, and say so.
    Close(Sender<()>),
}

/// Counters and flags that the thread and its callers share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) hits: AtomicU64,
    pub(super) misses: AtomicU64,
    bytes: AtomicU64,
    faults: AtomicU64,
    problem: Mutex<Option<String>>,
    /// Vectors that wait to be written.
    pub(super) waiting: AtomicUsize,
    /// True from a lookup that took too long to the end of the thread's work on it.
    pub(super) slow: AtomicBool,
}

impl Shared {
    /// Counts a fault, and logs it unless it is the one before.
    pub(super) fn report(&self, fault: &FileError) {
        self.faults.fetch_add(1, Ordering::Relaxed);
        let problem = report::with_hint(fault, fault.hint().as_deref());
        let mut last = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_deref() != Some(&problem) {
            tracing::warn!(problem, "disk cache bypassed");
            *last = Some(problem);
        }
    }

    /// Counters, size, and the latest fault.
    pub(super) fn status(&self) -> DiskCacheStatus {
        let problem = self.problem.lock();
        DiskCacheStatus {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            faults: self.faults.load(Ordering::Relaxed),
            problem: problem.unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Records the size of the file.
    pub(super) fn measure(&self, file: &VectorFile) {
        // A size that the system does not tell stays what it was.
        if let Ok(bytes) = file.bytes() {
            self.bytes.store(bytes, Ordering::Relaxed);
        }
    }
}

/// Keeps the file until it is closed, every sender is gone, or the file is found corrupt.
pub(super) fn run(mut file: VectorFile, messages: &Receiver<Message>, shared: &Arc<Shared>) {
    while let Ok(message) = messages.recv() {
        let done = match message {
            Message::Get { keys, found } => file.get_all(&keys).map(|(vectors, damaged)| {
                if damaged > 0 {
                    shared.report(&file.damaged(damaged));
                }
                // Nobody waits if the caller has gone.
                drop(found.send(vectors));
            }),
            Message::Put(vectors) => {
                shared.waiting.fetch_sub(vectors.len(), Ordering::Relaxed);
                let put = file.put_all(&vectors);
                shared.measure(&file);
                put
            }
            Message::Close(closed) => {
                drop(file);
                // Nobody waits any more if it took too long.
                closed.send(()).ok();
                return;
            }
        };
        shared.slow.store(false, Ordering::Relaxed);
        if let Err(fault) = done {
            shared.report(&fault);
            if fault.is_final() {
                return;
            }
        }
    }
}
