//! Counters of the shared cache, and the pause after a fault.

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time after a fault in which the server is left alone: a server that is not there then costs one
/// request in a second the wait for it.
const PAUSE: Duration = Duration::from_secs(1);

/// Time in which faults are logged once.
const LOG_INTERVAL: Duration = Duration::from_hours(1);

/// Counters of the shared cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SharedCacheStatus {
    /// Texts whose vector it had.
    pub hits: u64,
    /// Texts whose vector it did not have.
    pub misses: u64,
    /// Requests to the server that failed or took too long, and damaged vectors.
    pub faults: u64,
}

/// Counters, and the latest fault.
#[derive(Debug, Default)]
pub(super) struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
    faults: AtomicU64,
    times: Mutex<Times>,
}

#[derive(Debug, Default)]
struct Times {
    fault: Option<Instant>,
    logged: Option<Instant>,
}

impl Counters {
    pub(super) fn status(&self) -> SharedCacheStatus {
        SharedCacheStatus {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            faults: self.faults.load(Ordering::Relaxed),
        }
    }

    /// Counts looked up texts, of which the server had `hits`.
    pub(super) fn count(&self, texts: usize, hits: usize) {
        self.hits.fetch_add(hits as u64, Ordering::Relaxed);
        let misses = texts.saturating_sub(hits);
        self.misses.fetch_add(misses as u64, Ordering::Relaxed);
    }

    /// Counts a fault, and logs the first one in an hour.
    pub(super) fn report(&self, problem: impl Display) {
        self.faults.fetch_add(1, Ordering::Relaxed);
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        times.fault = Some(now);
        let is_first = times.logged.is_none_or(|at| at.elapsed() >= LOG_INTERVAL);
        if is_first {
            times.logged = Some(now);
        }
        drop(times);
        if is_first {
            tracing::warn!(%problem, "shared cache bypassed");
        }
    }

    /// Returns true if the latest fault is a while ago.
    pub(super) fn may_ask(&self) -> bool {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.fault.is_none_or(|at| at.elapsed() >= PAUSE)
    }
}
