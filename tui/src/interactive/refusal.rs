//! Errors of requests, as the screen tells them.

use gte_shared::client::ClientError;
use gte_shared::report::with_hint;
use gte_shared::wire::ErrorCode;

/// Returns true if nothing is left of one of the texts to compare.
pub(super) fn is_blank(error: &ClientError) -> bool {
    matches!(error, ClientError::Refused(error) if error.code == ErrorCode::BlankText)
}

/// One line for an error.
pub(super) fn line(error: &ClientError) -> String {
    with_hint(error, error.hint().as_deref())
}
