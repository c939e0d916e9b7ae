//! Kinds of errors of requests, as the screen treats them.

use gte_shared::client::ClientError;
use gte_shared::wire::ErrorCode;

/// Returns true if nothing is left of one of the texts to compare.
pub(super) fn is_blank(error: &ClientError) -> bool {
    matches!(error, ClientError::Refused(error) if error.code == ErrorCode::BlankText)
}

/// Returns true if the same request may succeed later: the daemon is away or busy, and not at odds
/// with the texts or the model.
pub(super) fn may_pass(error: &ClientError) -> bool {
    match error {
        ClientError::Refused(error) => error.code == ErrorCode::Overloaded,
        ClientError::RequestTooLarge(_) => false,
        _ => true,
    }
}
