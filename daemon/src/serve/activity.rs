//! Activity of a service: idle means that no request is at work, however many connections are open.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Activity of a service. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// Number of requests at work.
    working: usize,
    /// Time at which the last one was done.
    last: Instant,
}

/// A request at work, until this value is dropped.
#[derive(Debug)]
pub(super) struct Working(Activity);

impl Activity {
    /// Begins an idle time.
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            working: 0,
            last: Instant::now(),
        })))
    }

    /// Records that a request is at work.
    pub(super) fn begin(&self) -> Working {
        self.state().working += 1;
        Working(self.clone())
    }

    /// Time since the last request was done; `None` while one is at work.
    pub(super) fn idle_time(&self) -> Option<Duration> {
        let state = self.state();
        (state.working == 0).then(|| state.last.elapsed())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Both fields are numbers, valid whatever happens elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.working -= 1;
        state.last = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_with_a_request_at_work_is_not_idle() {
        let activity = Activity::new();
        assert!(activity.idle_time().is_some());
        let (one, other) = (activity.begin(), activity.begin());
        drop(one);
        assert_eq!(activity.idle_time(), None);
        let done = Instant::now();
        drop(other);
        assert!(activity.idle_time().unwrap() <= done.elapsed());
    }
}
