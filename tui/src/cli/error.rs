//! Errors in the user's input, and exit statuses.

use std::error::Error;
use std::ffi::OsString;

use gte_shared::client::ClientError;
use gte_shared::endpoint::AnsweringModel;
use gte_shared::report::EXIT_WRONG_INPUT;
use gte_shared::settings::SettingsError;
use gte_shared::wire::{ErrorCode, ModelInfo};

use crate::interactive::ScreenError;

/// Exit status of a failure other than wrong input.
const EXIT_FAILURE: u8 = 1;

/// A fault in the user's input, and its location there.
#[derive(Debug, thiserror::Error)]
#[error("{location}: {problem}")]
pub(super) struct InputError {
    location: String,
    problem: String,
    hint: Option<String>,
}

impl InputError {
    pub(super) fn new(location: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            location: location.into(),
            problem: problem.into(),
            hint: None,
        }
    }

    pub(super) fn with_hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }

    /// Adds a next step, if there is none.
    pub(super) fn or_hint(self, hint: &str) -> Self {
        let hint = self.hint.or_else(|| Some(hint.to_owned()));
        Self { hint, ..self }
    }

    /// Returns true if a text is blank.
    pub(super) fn is_blank(&self) -> bool {
        self.problem == BLANK
    }

    /// Next step for the user, where there is one.
    pub(super) fn hint(&self) -> Option<String> {
        self.hint.clone()
    }

    /// Makes the daemon's error about one text of a request an error about its location in the
    /// user's input; other errors are returned as they are.
    pub(super) fn locate(
        error: ClientError,
        location: impl FnOnce(usize) -> String,
    ) -> Result<Self, ClientError> {
        let ClientError::Refused(reply) = &error else {
            return Err(error);
        };
        match (reply.code, reply.text) {
            (ErrorCode::BlankText, Some(text)) => Ok(Self::new(location(text as usize), BLANK)),
            (ErrorCode::TooLarge, Some(text)) => {
                let located = Self::new(location(text as usize), &reply.message);
                Ok(located.with_hint(reply.hint.clone()))
            }
            _ => Err(error),
        }
    }

    /// The same as an error of a command.
    pub(super) fn located(
        error: ClientError,
        location: impl FnOnce(usize) -> String,
    ) -> anyhow::Error {
        Self::locate(error, location).map_or_else(Into::into, Into::into)
    }
}

/// Another model answers than the one that has answered before, or it answers in another way: their
/// scores are not comparable.
#[derive(Debug, thiserror::Error)]
pub(super) enum ModelChanged {
    /// Another model.
    #[error("{now} answers now, and {before} has answered the lines before; run the command again")]
    Model {
        /// The model before.
        before: AnsweringModel,
        /// The model now.
        now: AnsweringModel,
    },
    /// The same model, with other text steps, another truncation or another scale.
    #[error("{0} is set otherwise than for the lines before; run the command again")]
    Settings(AnsweringModel),
}

impl ModelChanged {
    pub(super) fn new(before: &ModelInfo, now: &ModelInfo) -> Self {
        let [before, now] = [before, now].map(AnsweringModel::from);
        if before == now {
            Self::Settings(now)
        } else {
            Self::Model { before, now }
        }
    }
}

/// Message about a text without tokens to compare.
pub(super) const BLANK: &str = "the text is blank";

/// Error about the first argument that is not UTF-8.
pub(super) fn not_utf8(arguments: impl Iterator<Item = OsString>) -> InputError {
    let mut numbered = arguments.zip(1..);
    let wrong = numbered.find(|(argument, _)| argument.to_str().is_none());
    let location = wrong.map_or_else(
        || "an argument".to_owned(),
        |(_, number)| format!("argument {number}"),
    );
    let hint =
        "set the terminal to UTF-8, or put the texts into a file and read it with --encoding";
    InputError::new(location, "it is not UTF-8").with_hint(Some(hint.to_owned()))
}

/// Next step after an error of this program.
pub(super) fn hint(error: &(dyn Error + 'static)) -> Option<String> {
    let of_screen = || error.downcast_ref().and_then(ScreenError::hint);
    let of_input = error.downcast_ref().and_then(InputError::hint);
    of_input.or_else(of_screen)
}

/// Exit status of a failure.
pub(super) fn status(error: &anyhow::Error) -> u8 {
    let of_client = match error.downcast_ref() {
        Some(ClientError::RequestTooLarge(_)) => true,
        Some(ClientError::Refused(reply)) => {
            matches!(reply.code, ErrorCode::BlankText | ErrorCode::TooLarge)
        }
        _ => false,
    };
    if of_client || error.is::<InputError>() || error.is::<SettingsError>() {
        EXIT_WRONG_INPUT
    } else {
        EXIT_FAILURE
    }
}
