//! Progress of a connection: its times, for the limits on them and for the choice of connections
//! that are closed when there are too many.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Longest time of a head of a request, from its first byte to its last: many times what a phone
/// needs.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest time between two requests. Function Compute wants connections to stay for 15 minutes at
/// least, and load balancers for a minute.
const IDLE_TIMEOUT: Duration = Duration::from_mins(16);

/// Progress of a connection.
#[derive(Debug)]
pub(super) struct Progress {
    phase: Mutex<(Phase, Instant)>,
    closing: Notify,
}

/// Phase of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Between two requests.
    Idle,
    /// A head of a request has begun.
    Head,
    /// A request is at work, from its body to its reply.
    Busy,
}

impl Progress {
    /// Progress of a new connection.
    pub(super) fn new() -> Self {
        Self {
            phase: Mutex::new((Phase::Idle, Instant::now())),
            closing: Notify::new(),
        }
    }

    /// Records that bytes have been read.
    pub(super) fn has_read(&self) {
        let mut phase = self.phase();
        if phase.0 == Phase::Idle {
            *phase = (Phase::Head, Instant::now());
        }
    }

    /// Records that the head of a request is complete.
    pub(super) fn begin_request(&self) {
        *self.phase() = (Phase::Busy, Instant::now());
    }

    /// Records that a reply has been handed over to be written.
    pub(super) fn end_request(&self) {
        *self.phase() = (Phase::Idle, Instant::now());
    }

    /// Time at which the connection is to be closed unless bytes arrive.
    pub(super) fn read_deadline(&self) -> Option<Instant> {
        match *self.phase() {
            (Phase::Idle, since) => Some(since + IDLE_TIMEOUT),
            (Phase::Head, since) => Some(since + HEAD_TIMEOUT),
            (Phase::Busy, _) => None,
        }
    }

    /// Time since which no request is at work; `None` while one is.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        let (phase, since) = *self.phase();
        (phase != Phase::Busy).then_some(since)
    }

    /// Asks the connection to close.
    pub(super) fn close(&self) {
        self.closing.notify_one();
    }

    /// Waits until the connection is asked to close.
    pub(super) async fn closing(&self) {
        self.closing.notified().await;
    }

    fn phase(&self) -> MutexGuard<'_, (Phase, Instant)> {
        // Replaced as a whole.
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_head_has_less_time_than_a_pause() {
        let progress = Progress::new();
        let left = |progress: &Progress| Some(progress.read_deadline()? - Instant::now());
        assert_eq!(left(&progress), Some(IDLE_TIMEOUT));
        tokio::time::advance(Duration::from_mins(1)).await;
        progress.has_read();
        assert_eq!(left(&progress), Some(HEAD_TIMEOUT));
        tokio::time::advance(Duration::from_secs(9)).await;
        progress.has_read();
        assert_eq!(
            left(&progress),
            Some(Duration::from_secs(1)),
            "from the first byte on"
        );
        progress.begin_request();
        assert_eq!(left(&progress), None);
        assert_eq!(progress.waiting_since(), None);
        progress.has_read();
        assert_eq!(left(&progress), None, "a body has limits of its own");
        progress.end_request();
        assert_eq!(left(&progress), Some(IDLE_TIMEOUT));
        assert!(progress.waiting_since().is_some());
    }
}
