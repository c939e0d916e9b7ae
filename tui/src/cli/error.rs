//! How the program ends when something went wrong.

use std::io::{self, Write};
use std::process::ExitCode;

use gte_shared::client::ClientError;
use gte_shared::wire::ErrorCode;

/// Exit status for wrong usage or wrong input, as clap has it for usage.
const WRONG_INPUT: u8 = 2;

/// Something is wrong with what the user gave, in one place of it.
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

    /// The daemon's error about one of the texts of a request, told by where the user put that text;
    /// other errors stay what they are.
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

/// What is said of a text in which nothing is left to compare.
pub(super) const BLANK: &str = "the text is blank";

/// Tells the person who called what went wrong and what to do next, and chooses the exit status.
///
/// That the reader of our output has gone (`gte … | head`) is no error.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let broken_pipe = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    if error.downcast_ref().is_some_and(broken_pipe) {
        return ExitCode::SUCCESS;
    }
    let client = error.downcast_ref::<ClientError>();
    let hint = client.and_then(ClientError::hint);
    let hint = hint.map_or_else(String::new, |hint| format!("hint: {hint}\n"));
    let words = format!("gte: {error:#}\n{hint}");
    // If stderr is closed, the exit status is all that is left to tell.
    drop(io::stderr().write_all(words.as_bytes()));
    let wrong_input = error.is::<InputError>()
        || matches!(client, Some(ClientError::RequestTooLarge(_)))
        || matches!(
            client,
            Some(ClientError::Refused(reply))
                if matches!(reply.code, ErrorCode::BlankText | ErrorCode::TooLarge)
        );
    if wrong_input {
        ExitCode::from(WRONG_INPUT)
    } else {
        ExitCode::FAILURE
    }
}
