//! The end of a program that failed: its message, a hint, and the exit status.

use std::error::Error;
use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use crate::client::ClientError;
use crate::endpoint::EndpointError;
use crate::output::print_message;
use crate::settings::SettingsError;

/// Exit status for wrong usage or wrong input, as clap uses it for usage.
pub const EXIT_WRONG_INPUT: u8 = 2;

/// Prints an error and its hint on stderr, and returns the exit status of the program. A reader of
/// stdout that closes the pipe early (`… | head`) is not a failure: only commands' own output gives
/// an I/O error that no typed error wraps.
///
/// `hint` returns the next step for one error of the chain, where the program knows one.
pub fn fail(
    program: &str,
    error: &(dyn Error + 'static),
    status: u8,
    hint: impl Fn(&(dyn Error + 'static)) -> Option<String>,
) -> ExitCode {
    if is_broken_pipe(error) {
        return ExitCode::SUCCESS;
    }
    let hint = self::hint(error, hint);
    print_message(program, message(error), hint.as_deref());
    ExitCode::from(status)
}

/// Next step after an error, as `hint` or this crate knows it for one error of its chain.
pub fn hint(
    error: &(dyn Error + 'static),
    hint: impl Fn(&(dyn Error + 'static)) -> Option<String>,
) -> Option<String> {
    chain(error).find_map(|error| hint(error).or_else(|| own_hint(error)))
}

/// One line for an error: its message, with its hint in parentheses.
#[must_use]
pub fn with_hint(message: impl Display, hint: Option<&str>) -> String {
    match hint {
        Some(hint) => format!("{message} ({hint})"),
        None => message.to_string(),
    }
}

/// Message of an error and of its causes, each once: many errors quote their cause already.
#[must_use]
pub fn message(error: &(dyn Error + 'static)) -> String {
    let mut message = String::new();
    for error in chain(error) {
        let text = error.to_string();
        if message.is_empty() {
            message = text;
        } else if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
    }
    message
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let io = error.downcast_ref::<io::Error>();
    let json = error.downcast_ref::<serde_json::Error>();
    let kind = io
        .map(io::Error::kind)
        .or_else(|| json.and_then(serde_json::Error::io_error_kind));
    kind == Some(io::ErrorKind::BrokenPipe)
}

/// Hints of the errors of this crate.
fn own_hint(error: &(dyn Error + 'static)) -> Option<String> {
    let client = error.downcast_ref().and_then(ClientError::hint);
    client
        .or_else(|| error.downcast_ref().and_then(EndpointError::hint))
        .or_else(|| error.downcast_ref().and_then(SettingsError::hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Outer {
        text: &'static str,
        source: io::Error,
    }

    #[test]
    fn a_cause_is_told_once() {
        let error = |text| Outer {
            text,
            source: io::Error::other("no room"),
        };
        assert_eq!(message(&error("cannot write")), "cannot write: no room");
        assert_eq!(message(&error("no room here")), "no room here");
    }

    #[test]
    fn a_closed_pipe_is_that_of_the_output_alone() {
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(is_broken_pipe(&broken()));
        assert!(is_broken_pipe(&serde_json::Error::io(broken())));
        assert!(!is_broken_pipe(&io::Error::other("another")));
        // A connection to the daemon, or a file, that broke.
        let text = "cannot write";
        let source = broken();
        assert!(!is_broken_pipe(&Outer { text, source }));
    }
}
