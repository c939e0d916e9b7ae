//! Progress of the worker, for a watchdog.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Progress of a worker. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress(Arc<State>);

#[derive(Debug, Default)]
struct State {
    busy: AtomicBool,
    batches: AtomicU64,
}

impl Progress {
    /// Records that the worker has work, or that it waits for some.
    pub(super) fn set_busy(&self, busy: bool) {
        self.0.busy.store(busy, Ordering::Relaxed);
    }

    /// Records the end of a batch.
    pub(super) fn count_batch(&self) {
        self.0.batches.fetch_add(1, Ordering::Relaxed);
    }

    /// Number of batches so far, if the worker has work; `None` while it waits for some. A worker
    /// that works and has the same number later has come to nothing meanwhile.
    pub(super) fn batches_if_busy(&self) -> Option<u64> {
        let busy = self.0.busy.load(Ordering::Relaxed);
        busy.then(|| self.0.batches.load(Ordering::Relaxed))
    }
}
