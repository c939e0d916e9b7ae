//! Failure to start the daemon.

/// Failure before the daemon answers. It exits with a status of its own, so that a service manager
/// does not start it again: what is wrong then stays wrong.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotStarted(#[source] pub(crate) anyhow::Error);

/// Wraps an error before the daemon answers.
pub(super) fn not_started(error: impl Into<anyhow::Error>) -> NotStarted {
    NotStarted(error.into())
}
