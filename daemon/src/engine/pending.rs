//! Count of the texts that wait or are being computed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Count of texts, shared by the clones of an engine.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending(Arc<AtomicUsize>);

/// Texts that are counted until this value is dropped.
#[derive(Debug)]
pub(super) struct Counted {
    pending: Pending,
    texts: usize,
}

impl Pending {
    /// Number of texts now.
    pub(super) fn texts(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts `texts` more.
    pub(super) fn count(&self, texts: usize) -> Counted {
        self.0.fetch_add(texts, Ordering::Relaxed);
        Counted {
            pending: self.clone(),
            texts,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.pending.0.fetch_sub(self.texts, Ordering::Relaxed);
    }
}
