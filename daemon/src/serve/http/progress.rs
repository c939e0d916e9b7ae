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
    begun: Notify,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// True while the rest of a refused body is thrown away.
    lingers: bool,
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
    /// The body of a request is being read.
    Body,
    /// A request is at work, until its reply is there.
    Busy,
    /// The last part of a reply is being written.
    Writing,
    /// A reply has been written, and the rest of its request's body is thrown away.
    Lingering,
}

/// A request at work, until this value is dropped.
#[derive(Debug)]
pub(super) struct Hold(Arc<Progress>);

/// The rest of a body that is thrown away, until this value is dropped.
#[derive(Debug)]
pub(super) struct Linger(Arc<Progress>);

/// The body of a request that is read, until this value is dropped.
#[derive(Debug)]
pub(super) struct ReadingBody(Arc<Progress>);

impl Progress {
    /// Progress of a new connection.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                phase: Phase::Idle,
                since: Instant::now(),
                lingers: false,
                requests: 0,
            }),
            closing: Notify::new(),
            begun: Notify::new(),
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
    /// value is dropped.
    pub(super) fn begin_request(self: &Arc<Self>) -> Hold {
        let mut state = self.state();
        state.requests += 1;
        state.enter(Phase::Busy);
        drop(state);
        self.begun.notify_one();
        Hold(Arc::clone(self))
    }

    /// Waits until a request begins.
    pub(super) async fn begun(&self) {
        self.begun.notified().await;
    }

    /// Records that the body of the request is being read.
    pub(super) fn read_body(self: &Arc<Self>) -> ReadingBody {
        self.state().enter(Phase::Body);
        ReadingBody(Arc::clone(self))
    }

    /// Records that the rest of a refused body is thrown away.
    pub(super) fn linger(self: &Arc<Self>) -> Linger {
        self.state().lingers = true;
        Linger(Arc::clone(self))
    }

    /// Records that all that was to be written has been.
    pub(super) fn has_written(&self) {
        let mut state = self.state();
        if state.phase == Phase::Writing {
            let next = if state.lingers {
                Phase::Lingering
            } else {
                Phase::Idle
            };
            state.enter(next);
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
            // These have limits of their own.
            Phase::Body | Phase::Busy | Phase::Writing | Phase::Lingering => None,
        }
    }

    /// Rank among the connections that may be closed to make room, the first of them first: those
    /// that wait for a request, then those that send a body slowly; `None` while a request is at
    /// work.
    pub(super) fn closing_rank(&self) -> Option<(bool, Instant)> {
        let state = self.state();
        match state.phase {
            Phase::Idle | Phase::Head | Phase::Lingering => Some((false, state.since)),
            Phase::Body => Some((true, state.since)),
            Phase::Busy | Phase::Writing => None,
        }
    }

    /// Returns true while a request is at work.
    pub(super) fn is_at_work(&self) -> bool {
        matches!(
            self.state().phase,
            Phase::Body | Phase::Busy | Phase::Writing
        )
    }

    /// Asks the connection to close, unless a request begins before it does.
    pub(super) fn close(&self) {
        self.closing.notify_one();
    }

    /// Waits until the connection is asked to close and no request is at work.
    pub(super) async fn closing(&self) {
        loop {
            self.closing.notified().await;
            if self.closing_rank().is_some() {
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
        self.0.state().enter(Phase::Writing);
    }
}

impl Drop for Linger {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.lingers = false;
        if state.phase == Phase::Lingering {
            state.enter(Phase::Idle);
        }
    }
}

impl Drop for ReadingBody {
    fn drop(&mut self) {
        let mut state = self.0.state();
        if state.phase == Phase::Body {
            state.enter(Phase::Busy);
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
        let body = progress.read_body();
        progress.has_read();
        progress.has_written();
        assert_eq!(left(&progress), None, "a body has limits of its own");
        assert_eq!(progress.closing_rank().map(|(slow, _)| slow), Some(true));
        drop(body);
        assert_eq!(progress.closing_rank(), None);
        let rest = progress.linger();
        drop(reply);
        assert_eq!(progress.closing_rank(), None, "a part is not written");
        progress.has_written();
        assert_eq!(left(&progress), None, "the rest has a limit of its own");
        assert_eq!(progress.closing_rank().map(|(slow, _)| slow), Some(false));
        drop(rest);
        assert_eq!(left(&progress), Some(IDLE_TIMEOUT));
        assert!(!progress.is_at_work());
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
