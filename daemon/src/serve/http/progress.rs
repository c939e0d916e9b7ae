//! Progress of a connection: its times, for the limits on them and for the choice of connections
//! that are closed when there are too many.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Longest time of a head of a request, from its first byte to its last: many times what a phone
/// needs.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest time between two requests. Function Compute wants connections to stay for 15 minutes at
/// least, and load balancers for a minute.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_mins(16);

/// Progress of a connection.
#[derive(Debug)]
pub(super) struct Progress {
    state: Mutex<State>,
    closing: Notify,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// Parts of a request at work: its reply, and the rest of its body that is thrown away.
    held: usize,
    /// Number of requests so far.
    requests: u64,
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
    /// The last part of a reply is being written.
    Writing,
}

/// A part of a request at work, until this value is dropped.
#[derive(Debug)]
pub(super) struct Hold(Arc<Progress>);

impl Progress {
    /// Progress of a new connection.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                phase: Phase::Idle,
                since: Instant::now(),
                held: 0,
                requests: 0,
            }),
            closing: Notify::new(),
        })
    }

    /// Records that bytes have been read.
    pub(super) fn has_read(&self) {
        let mut state = self.state();
        if state.phase == Phase::Idle {
            state.enter(Phase::Head);
        }
    }

    /// Records that the head of a request is complete. The request is at work until the returned
    /// value and all further ones are dropped.
    pub(super) fn begin_request(self: &Arc<Self>) -> Hold {
        self.state().requests += 1;
        self.hold()
    }

    /// Keeps the request at work.
    pub(super) fn hold(self: &Arc<Self>) -> Hold {
        let mut state = self.state();
        state.held += 1;
        state.enter(Phase::Busy);
        Hold(Arc::clone(self))
    }

    /// Records that all that was to be written has been.
    pub(super) fn has_written(&self) {
        let mut state = self.state();
        if state.phase == Phase::Writing {
            state.enter(Phase::Idle);
        }
    }

    /// Number of requests so far.
    pub(super) fn requests(&self) -> u64 {
        self.state().requests
    }

    /// Time at which the connection is to be closed unless bytes arrive.
    pub(super) fn read_deadline(&self) -> Option<Instant> {
        let state = self.state();
        match state.phase {
            Phase::Idle => Some(state.since + IDLE_TIMEOUT),
            Phase::Head => Some(state.since + HEAD_TIMEOUT),
            Phase::Busy | Phase::Writing => None,
        }
    }

    /// Time since which no request is at work; `None` while one is.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        let state = self.state();
        matches!(state.phase, Phase::Idle | Phase::Head).then_some(state.since)
    }

    /// Asks the connection to close, unless a request begins before it does.
    pub(super) fn close(&self) {
        self.closing.notify_one();
    }

    /// Waits until the connection is asked to close and no request is at work.
    pub(super) async fn closing(&self) {
        loop {
            self.closing.notified().await;
            if self.waiting_since().is_some() {
                return;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is made as a whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.since = Instant::now();
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.held -= 1;
        if state.held == 0 {
            state.enter(Phase::Writing);
        }
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
        let rest = Duration::from_secs(1);
        assert_eq!(left(&progress), Some(rest), "from the first byte on");
        let reply = progress.begin_request();
        let body = progress.hold();
        drop(reply);
        progress.has_read();
        progress.has_written();
        assert_eq!(left(&progress), None, "a body has limits of its own");
        assert_eq!(progress.waiting_since(), None);
        drop(body);
        assert_eq!(progress.waiting_since(), None, "a part is not written");
        progress.has_written();
        assert_eq!(left(&progress), Some(IDLE_TIMEOUT));
        assert!(progress.waiting_since().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_with_a_request_at_work_does_not_close() {
        let progress = Progress::new();
        let request = progress.begin_request();
        progress.close();
        let short = Duration::from_secs(1);
        let waited = tokio::time::timeout(short, progress.closing()).await;
        assert!(waited.is_err());
        drop(request);
        progress.has_written();
        progress.close();
        progress.closing().await;
    }
}
