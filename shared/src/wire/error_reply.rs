//! An error as the client is told it.

use serde::{Deserialize, Serialize};

/// Kind of an error. The order of the variants is part of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The client speaks another protocol number.
    ProtocolMismatch,
    /// Bytes that are not a frame, or a frame that stopped in its middle.
    BadFrame,
    /// A frame or line over [`MAX_FRAME_BYTES`](super::MAX_FRAME_BYTES), or a reply that would be.
    TooLarge,
    /// A frame whose content is not a request that this build knows.
    BadRequest,
    /// A text in which nothing is left to compare.
    BlankText,
    /// Too much work is pending.
    Overloaded,
    /// A request that could not be computed, through no fault of the client.
    Internal,
    /// A model that is not installed, or cannot be used.
    Model,
}

/// An error, in words and typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ErrorReply {
    /// Kind.
    pub code: ErrorCode,
    /// Description; never quotes a text.
    pub message: String,
    /// Next step for the user.
    pub hint: Option<String>,
    /// The text at fault, counted from 0 in the order of the request: `a` and `b` of each pair in
    /// turn; for a ranking the query, then the others.
    pub text: Option<u32>,
}

impl ErrorReply {
    /// An error without hint that belongs to no single text.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
            text: None,
        }
    }

    /// The same error with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error about one of the texts, counted from 0.
    #[must_use]
    pub fn about_text(mut self, index: usize) -> Self {
        self.text = u32::try_from(index).ok();
        self
    }
}
