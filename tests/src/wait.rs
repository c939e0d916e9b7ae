//! Waiting for a condition that nothing announces.

use std::time::{Duration, Instant};

/// Time that anything may take before a test gives up: far longer than it should, since the machine
/// may be busy with other tests.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Pause between two looks: short beside what is waited for, long enough to leave the cores to it.
const PAUSE: Duration = Duration::from_millis(5);

/// Looks until `look` gives a value.
///
/// # Panics
///
/// If it gives none for [`PATIENCE`]; `what` is told then.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(PAUSE);
    }
}

/// Looks until a condition holds.
///
/// # Panics
///
/// If it does not hold for [`PATIENCE`]; `what` is told then.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || condition().then_some(()));
}
