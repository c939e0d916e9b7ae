//! Polling for conditions that no event announces.

use std::time::{Duration, Instant};

/// Time that a wait may take before the test fails: far longer than needed, since the machine may
/// be busy with other tests.
pub const TEST_TIMEOUT: Duration = Duration::from_mins(1);

/// Time between two polls: short beside the awaited change, and nearly free of CPU time.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Calls `poll` until it returns a value, and returns that value.
///
/// # Panics
///
/// If `poll` returns `None` for [`TEST_TIMEOUT`]. The message contains `what`.
pub fn wait_for<T>(what: &str, mut poll: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + TEST_TIMEOUT;
    loop {
        if let Some(found) = poll() {
            return found;
        }
        assert!(Instant::now() < deadline, "timed out waiting for {what}");
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Calls `condition` until it returns true.
///
/// # Panics
///
/// If it returns false for [`TEST_TIMEOUT`]. The message contains `what`.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || condition().then_some(()));
}
