//! Messages to the service manager that has started the daemon (sd_notify(3)). Without one, they
//! go nowhere.

use std::time::Duration;

use sd_notify::NotifyState;

/// Longest start, from the first message on, that is asked for: a model of a gigabyte from a slow
/// disk takes minutes. After it the service manager ends the daemon.
pub(crate) const LONGEST_START: Duration = Duration::from_mins(10);

/// Time that each message asks for while the daemon starts.
pub(crate) const START_EXTENSION: Duration = Duration::from_secs(30);

/// Longest time that is asked for.
const LONGEST_EXTENSION: Duration = Duration::from_hours(24 * 365);

/// Time for the end of the process after it has drained.
const END_TIME: Duration = Duration::from_secs(5);

/// Says that the daemon answers requests.
pub(crate) fn ready() {
    send(&[NotifyState::Ready]);
}

/// Says what the daemon does, in one line for `systemctl status`.
pub(crate) fn status(line: &str) {
    send(&[NotifyState::Status(line)]);
}

/// Asks for more time to start.
pub(crate) fn extend_start() {
    let extension = extension(START_EXTENSION);
    send(&[NotifyState::Custom(&extension)]);
}

/// Says that the daemon rereads its configuration. [`ready`] ends that.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => send(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "no monotonic clock"),
    }
}

/// Says that the daemon ends, and asks for the time that draining may take.
pub(crate) fn stopping(drain_timeout: Duration) {
    let time = drain_timeout.saturating_add(END_TIME);
    let extension = extension(time);
    send(&[NotifyState::Stopping, NotifyState::Custom(&extension)]);
}

/// Says that the daemon makes progress.
pub(crate) fn alive() {
    send(&[NotifyState::Watchdog]);
}

/// Time without [`alive`] after which the service manager ends the daemon, if it does.
pub(crate) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

/// Message that asks for time. (That of the library ends at 71 minutes.)
fn extension(time: Duration) -> String {
    // The largest number would mean that no time is asked for.
    let micros = time.min(LONGEST_EXTENSION).as_micros();
    format!("EXTEND_TIMEOUT_USEC={micros}")
}

fn send(state: &[NotifyState<'_>]) {
    // A service manager that cannot be reached is not a reason to end.
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "service manager not notified");
    }
}
