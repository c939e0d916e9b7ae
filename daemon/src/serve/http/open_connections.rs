//! The open connections of an HTTP service.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::progress::Progress;

/// Time between two looks for a connection to close.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// The open connections.
#[derive(Default)]
pub(super) struct OpenConnections {
    open: Mutex<HashMap<u64, Arc<Progress>>>,
    closed: Notify,
}

/// An open connection, until this value is dropped.
pub(super) struct OpenConnection {
    all: Arc<OpenConnections>,
    number: u64,
    gauge: Gauge,
}

impl OpenConnections {
    /// Adds a connection, under a number that no other one has, and counts it.
    pub(super) fn add(
        self: &Arc<Self>,
        number: u64,
        progress: Arc<Progress>,
        gauge: Gauge,
    ) -> OpenConnection {
        self.open().insert(number, progress);
        gauge.inc();
        OpenConnection {
            all: Arc::clone(self),
            number,
            gauge,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.open().len()
    }

    /// Waits until there are fewer than `most` connections. To make room, the one is closed that
    /// has been without a request for longest; while all are at work, one of them has to end.
    pub(super) async fn make_room(&self, most: usize) {
        loop {
            let closed = self.closed.notified();
            if self.count() < most {
                return;
            }
            self.close_oldest();
            // One that was at work may have become idle instead.
            drop(timeout(LOOK_INTERVAL, closed).await);
        }
    }

    /// Closes the connection that has been without a request for longest; without any, the one that
    /// has been sending a body for longest.
    pub(super) fn close_oldest(&self) {
        let open = self.open();
        let ranked = open
            .values()
            .filter_map(|of| Some((of.closing_rank()?, of)));
        if let Some((_, progress)) = ranked.min_by_key(|(rank, _)| *rank) {
            progress.close();
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<Progress>>> {
        // Each change is one call of the map's.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.all.open().remove(&self.number);
        self.gauge.dec();
        self.all.closed.notify_one();
    }
}
