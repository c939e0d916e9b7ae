//! Progress of the worker, for a watchdog and for monitoring.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use prometheus_client::metrics::histogram::Histogram;

/// Progress of a worker. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Progress(Arc<State>);

#[derive(Debug)]
struct State {
    busy: AtomicBool,
    batches: AtomicU64,
    /// Texts per batch.
    sizes: Histogram,
}

/// Bounds of the number of texts per batch.
const SIZES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

impl Default for Progress {
    fn default() -> Self {
        Self(Arc::new(State {
            busy: AtomicBool::new(false),
            batches: AtomicU64::new(0),
            sizes: Histogram::new(SIZES),
        }))
    }
}

impl Progress {
    /// Records that the worker has work, or that it waits for some.
    pub(super) fn set_busy(&self, busy: bool) {
        self.0.busy.store(busy, Ordering::Relaxed);
    }

    /// Records the end of a batch of this many texts.
    pub(super) fn count_batch(&self, texts: usize) {
        self.0.batches.fetch_add(1, Ordering::Relaxed);
        // A batch has a few hundred texts at most.
        let texts = u32::try_from(texts).unwrap_or(u32::MAX);
        self.0.sizes.observe(texts.into());
    }

    /// Texts per batch so far.
    pub(super) fn batch_texts(&self) -> &Histogram {
        &self.0.sizes
    }

    /// Number of batches so far, if the worker has work; `None` while it waits for some. A worker
    /// that works and has the same number later has come to nothing meanwhile.
    pub(super) fn batches_if_busy(&self) -> Option<u64> {
        let busy = self.0.busy.load(Ordering::Relaxed);
        busy.then(|| self.0.batches.load(Ordering::Relaxed))
    }
}
