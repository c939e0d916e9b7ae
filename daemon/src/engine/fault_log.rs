//! Log of faults that may come with every request: the first of each kind in an hour.

use std::time::{Duration, Instant};

/// Time in which faults of one kind are logged once.
const LOG_INTERVAL: Duration = Duration::from_hours(1);

/// Kinds of faults, and when each was logged.
#[derive(Debug)]
pub(super) struct FaultLog<K>(Vec<(K, Instant)>);

impl<K> Default for FaultLog<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: PartialEq> FaultLog<K> {
    /// Returns true if a fault of this kind is to be logged now.
    pub(super) fn is_first(&mut self, kind: K) -> bool {
        self.0.retain(|(_, at)| at.elapsed() < LOG_INTERVAL);
        let is_first = self.0.iter().all(|(logged, _)| *logged != kind);
        if is_first {
            self.0.push((kind, Instant::now()));
        }
        is_first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_logged_once() {
        let mut log = FaultLog::default();
        assert_eq!(
            ["a", "b", "a", "b"].map(|kind| log.is_first(kind)),
            [true, true, false, false]
        );
    }
}
