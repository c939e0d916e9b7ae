//! Wrong input, and the exit status of a failure.

use gte_shared::client::ClientError;
use gte_shared::report::EXIT_WRONG_INPUT;
use gte_shared::wire::ErrorCode;

/// Exit status of a failure that is not the user's.
const EXIT_FAILURE: u8 = 1;

/// A fault in the user's input, and its place there.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {problem}")]
pub(super) struct InputError {
    place: String,
    problem: String,
}

impl InputError {
    pub(super) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            problem: problem.into(),
        }
    }

    pub(super) fn at_line(number: u64, problem: impl Into<String>) -> Self {
        Self::new(format!("line {number}"), problem)
    }

    /// The daemon's error about one of the texts of a request, with the place of that text in the user's
    /// input; other errors stay as they are.
    pub(super) fn locate(error: ClientError, place: impl FnOnce(usize) -> String) -> anyhow::Error {
        let ClientError::Refused(reply) = &error else {
            return error.into();
        };
        match (reply.code, reply.text) {
            (ErrorCode::BlankText, Some(text)) => Self::new(place(text as usize), BLANK).into(),
            (ErrorCode::TooLarge, Some(text)) => {
                Self::new(place(text as usize), &reply.message).into()
            }
            _ => error.into(),
        }
    }
}

/// Message about a text in which nothing is left to compare.
pub(super) const BLANK: &str = "the text is blank";

/// Exit status of a failure.
pub(super) fn status(error: &anyhow::Error) -> u8 {
    let of_client = match error.downcast_ref() {
        Some(ClientError::RequestTooLarge(_)) => true,
        Some(ClientError::Refused(reply)) => {
            matches!(reply.code, ErrorCode::BlankText | ErrorCode::TooLarge)
        }
        _ => false,
    };
    if of_client || error.is::<InputError>() {
        EXIT_WRONG_INPUT
    } else {
        EXIT_FAILURE
    }
}
