//! Counters of the shared cache, and the pauses after faults.

use std::mem::{Discriminant, discriminant};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::{ErrorKind, ServerErrorKind};

use super::error::Fault;
use crate::engine::fault_log::FaultLog;

/// Time after faults in which the server is left alone: one that does not answer then costs a few
/// requests in a second the wait for it.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// Late answers in a row after which there is a pause: one may be late by chance.
const MAX_LATE: u32 = 3;

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

/// Counters, and the latest faults.
#[derive(Debug, Default)]
pub(super) struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
    faults: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Late answers since the last one in time.
    late: u32,
    no_lookups_until: Option<Instant>,
    no_writes_until: Option<Instant>,
    logged: FaultLog<Discriminant<Fault>>,
}

impl Counters {
    pub(super) fn status(&self) -> SharedCacheStatus {
        SharedCacheStatus {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            faults: self.faults.load(Ordering::Relaxed),
        }
    }

    /// Counts texts that were looked up in time, of which the server had `hits`.
    pub(super) fn count(&self, texts: usize, hits: usize) {
        self.hits.fetch_add(hits as u64, Ordering::Relaxed);
        let misses = texts.saturating_sub(hits);
        self.misses.fetch_add(misses as u64, Ordering::Relaxed);
        self.state().late = 0;
    }

    /// Counts a fault, logs the first of its kind in an hour, and pauses what it is about. Returns
    /// true if the connection is to be opened anew.
    pub(super) fn report(&self, fault: &Fault) -> bool {
        self.faults.fetch_add(1, Ordering::Relaxed);
        let mut state = self.state();
        let is_first = state.logged.is_first(discriminant(fault));
        let pause = Some(Instant::now() + PAUSE);
        let reconnect = match fault {
            Fault::Late => {
                state.late += 1;
                let is_gone = state.late >= MAX_LATE;
                if is_gone {
                    state.no_lookups_until = pause;
                    state.late = 0;
                }
                is_gone
            }
            Fault::Lookup(error) => {
                state.no_lookups_until = pause;
                error.is_io_error() || error.is_unrecoverable_error()
            }
            Fault::Write(error) => {
                state.no_writes_until = pause;
                // A server that is a replica now may have left its name to another one.
                let read_only = ErrorKind::Server(ServerErrorKind::ReadOnly);
                error.is_connection_dropped() || error.kind() == read_only
            }
            Fault::Unreachable(_) | Fault::Full | Fault::Damaged | Fault::Model(_) => false,
        };
        drop(state);
        if is_first {
            tracing::warn!(problem = %fault, "shared cache bypassed");
        }
        reconnect
    }

    /// Returns true if vectors may be looked up now.
    pub(super) fn may_look_up(&self) -> bool {
        let until = self.state().no_lookups_until;
        until.is_none_or(|until| Instant::now() >= until)
    }

    /// Returns true if vectors may be written now.
    pub(super) fn may_write(&self) -> bool {
        let until = self.state().no_writes_until;
        until.is_none_or(|until| Instant::now() >= until)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is made as a whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> redis::RedisError {
        (ErrorKind::Client, "on purpose").into()
    }

    #[test]
    fn some_late_answers_in_a_row_make_a_pause() {
        let counters = Counters::default();
        assert!(!counters.report(&Fault::Late) && !counters.report(&Fault::Late));
        counters.count(2, 1);
        assert!(!counters.report(&Fault::Late) && !counters.report(&Fault::Late));
        assert!(counters.may_look_up());
        assert!(counters.report(&Fault::Late), "a new connection may help");
        assert!(!counters.may_look_up() && counters.may_write());
        let status = counters.status();
        assert_eq!((status.hits, status.misses, status.faults), (1, 1, 5));
    }

    #[test]
    fn what_cannot_be_written_can_be_read() {
        let counters = Counters::default();
        counters.report(&Fault::Write(refused()));
        assert!(counters.may_look_up() && !counters.may_write());
        counters.report(&Fault::Damaged);
        assert!(counters.may_look_up());
        counters.report(&Fault::Lookup(refused()));
        assert!(!counters.may_look_up());
    }
}
