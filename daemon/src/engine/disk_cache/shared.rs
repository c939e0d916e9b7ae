//! The state that the thread of the file and its callers share.

use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gte_shared::report;
use gte_shared::wire::DiskCacheStatus;
use tokio::sync::oneshot;

use super::error::{FaultKind, FileError};
use crate::engine::fault_log::FaultLog;
use crate::engine::vector_value::Vector;

/// Most lookups at a time, 8 KiB of keys each. Further requests compute.
const MAX_LOOKUPS: usize = 64;

/// Most vectors that wait to be written, 16 MiB with 1,024 values each. Further ones are not kept.
pub(super) const MAX_WAITING: usize = 4096;

/// Counters, flags and the latest fault.
#[derive(Debug, Default)]
pub(super) struct Shared {
    hits: AtomicU64,
    misses: AtomicU64,
    bytes: AtomicU64,
    faults: AtomicU64,
    latest: Mutex<Latest>,
    /// Lookups that the thread has not answered.
    lookups: AtomicUsize,
    /// Those of them that took too long. While there is one, nobody asks.
    overdue: AtomicIsize,
    /// Vectors that wait to be written.
    waiting: AtomicUsize,
    /// True once the thread has ended.
    ended: AtomicBool,
}

/// The latest fault, and when each kind was logged.
#[derive(Debug, Default)]
struct Latest {
    problem: Option<String>,
    logged: FaultLog<FaultKind>,
}

impl Shared {
    /// Counts a fault, and logs the first of its kind in an hour.
    pub(super) fn report(&self, fault: &FileError) {
        self.faults.fetch_add(1, Ordering::Relaxed);
        let problem = report::with_hint(fault, fault.hint().as_deref());
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.problem = Some(problem.clone());
        let is_first = latest.logged.is_first(fault.kind());
        drop(latest);
        if is_first {
            tracing::warn!(problem, "disk cache bypassed");
        }
    }

    /// Counters, size, and the latest fault.
    pub(super) fn status(&self) -> DiskCacheStatus {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        DiskCacheStatus {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            faults: self.faults.load(Ordering::Relaxed),
            problem: latest.problem.clone(),
        }
    }

    /// Records the size of the files.
    pub(super) fn measure(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// Counts looked up texts.
    pub(super) fn count(&self, found: &[Option<Vector>]) {
        let hits = found.iter().flatten().count();
        let misses = found.len() - hits;
        self.hits.fetch_add(hits as u64, Ordering::Relaxed);
        self.misses.fetch_add(misses as u64, Ordering::Relaxed);
    }

    /// Returns true if a lookup may be answered in time.
    pub(super) fn is_quick(&self) -> bool {
        self.is_open()
            && self.overdue.load(Ordering::Acquire) <= 0
            && self.lookups.load(Ordering::Relaxed) < MAX_LOOKUPS
    }

    /// Returns true until the thread has ended.
    pub(super) fn is_open(&self) -> bool {
        !self.ended.load(Ordering::Relaxed)
    }

    /// Records that the thread has ended.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    /// Counts vectors that are to be written. Returns false, and does not, if there are too many.
    pub(super) fn may_wait(&self, vectors: usize) -> bool {
        let before = self.waiting.fetch_add(vectors, Ordering::Relaxed);
        let fits = before + vectors <= MAX_WAITING;
        if !fits {
            self.have_left(vectors);
        }
        fits
    }

    /// Counts vectors that do not wait any more.
    pub(super) fn have_left(&self, vectors: usize) {
        self.waiting.fetch_sub(vectors, Ordering::Relaxed);
    }
}

/// State of a lookup whose caller waits.
const WAITING: u8 = 0;

/// State of a lookup whose caller has given up.
const OVERDUE: u8 = 1;

/// State of a lookup that the thread is done with.
const DONE: u8 = 2;

/// A lookup, as the thread has it. Dropping it ends the lookup without an answer.
pub(super) struct Lookup {
    found: Option<oneshot::Sender<Vec<Option<Vector>>>>,
    state: Arc<AtomicU8>,
    shared: Arc<Shared>,
}

/// A lookup, as its caller has it.
pub(super) struct Answer {
    pub(super) found: oneshot::Receiver<Vec<Option<Vector>>>,
    state: Arc<AtomicU8>,
    shared: Arc<Shared>,
}

impl Lookup {
    /// Begins a lookup.
    pub(super) fn begin(shared: &Arc<Shared>) -> (Self, Answer) {
        shared.lookups.fetch_add(1, Ordering::Relaxed);
        let (sender, found) = oneshot::channel();
        let state = Arc::new(AtomicU8::new(WAITING));
        let lookup = Self {
            found: Some(sender),
            state: Arc::clone(&state),
            shared: Arc::clone(shared),
        };
        let shared = Arc::clone(shared);
        (
            lookup,
            Answer {
                found,
                state,
                shared,
            },
        )
    }

    /// Returns true if the caller has gone.
    pub(super) fn is_abandoned(&self) -> bool {
        self.found.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    /// Gives the vectors to the caller.
    pub(super) fn answer(mut self, vectors: Vec<Option<Vector>>) {
        if let Some(found) = self.found.take() {
            // The caller may have gone meanwhile.
            found.send(vectors).ok();
        }
    }
}

impl Drop for Lookup {
    fn drop(&mut self) {
        self.shared.lookups.fetch_sub(1, Ordering::Relaxed);
        if self.state.swap(DONE, Ordering::AcqRel) == OVERDUE {
            self.shared.overdue.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Answer {
    /// Gives the lookup up. Until the thread is done with it, nobody else asks.
    pub(super) fn give_up(self) {
        // The thread may count it down first: the sum is right in the end.
        if self.state.swap(OVERDUE, Ordering::AcqRel) == WAITING {
            self.shared.overdue.fetch_add(1, Ordering::AcqRel);
        }
    }
}
