//! Errors of the engine, and their replies to clients.

use gte_shared::wire::{ErrorCode, ErrorReply};

use super::backend::{EmbedError, TokenizeError};

/// Failure to compute the vectors of texts.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EngineError {
    /// One of the texts cannot be tokenized.
    #[error("text {index}: {problem}")]
    Text {
        /// Index among the texts, from 0.
        index: usize,
        /// Fault of the text.
        problem: TokenizeError,
    },
    /// One of the texts is too long.
    #[error("a text has {bytes} bytes; the limit is {limit}")]
    TooLong {
        /// Index among the texts, from 0.
        index: usize,
        /// Length in bytes.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The model failed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The thread of the model failed while it had the request.
    #[error("the thread of the model failed")]
    Interrupted,
    /// The engine has ended.
    #[error("the engine has ended")]
    Ended,
}

impl From<EngineError> for ErrorReply {
    fn from(error: EngineError) -> Self {
        let message = error.to_string();
        match error {
            EngineError::Text { index, problem } => match problem {
                TokenizeError::Blank => Self::new(
                    ErrorCode::BlankText,
                    format!("text {index} is blank: {problem}"),
                ),
                TokenizeError::TooManyTokens { .. } => Self::new(
                    ErrorCode::TooLarge,
                    format!("the text is too long: {problem}"),
                )
                .with_hint("shorten it, or choose the truncation head, tail or chunk"),
                TokenizeError::SeveralWindows { .. } => Self::new(
                    ErrorCode::TooLarge,
                    format!("the text is too long: {problem}"),
                )
                .with_hint("shorten it, or choose the truncation head or tail"),
                TokenizeError::Failed => Self::new(ErrorCode::Internal, message),
            }
            .about_text(index),
            EngineError::TooLong { index, .. } => Self::new(ErrorCode::TooLarge, message)
                .with_hint("send the part of it that matters, or several parts")
                .about_text(index),
            EngineError::Interrupted => {
                Self::new(ErrorCode::Internal, message).with_hint("try again")
            }
            EngineError::Embed(_) | EngineError::Ended => Self::new(ErrorCode::Internal, message),
        }
    }
}
