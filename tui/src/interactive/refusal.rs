//! Kinds of errors of requests, as the screen treats them.

use gte_shared::client::ClientError;
use gte_shared::wire::ErrorCode;

/// Returns true if nothing is left of one of the texts to compare.
pub(super) fn is_blank(error: &ClientError) -> bool {
    matches!(error, ClientError::Refused(error) if error.code == ErrorCode::BlankText)
}

/// Attempts at a request that has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Retry {
    /// It would fail again: it is at odds with the texts or the model.
    Never,
    /// It may be what ends the daemon, or the daemon cannot start.
    AFewTimes,
    /// The daemon is away.
    UntilItSucceeds,
}

impl Retry {
    /// Attempts that an error is worth.
    pub(super) fn of(error: &ClientError) -> Self {
        match error {
            // A busy daemon is asked again by the client itself.
            ClientError::Refused(_) | ClientError::RequestTooLarge(_) => Self::Never,
            ClientError::Closed
            | ClientError::StartFailed { .. }
            | ClientError::StartTimeout(_)
            | ClientError::Spawn { .. } => Self::AFewTimes,
            _ => Self::UntilItSucceeds,
        }
    }
}
