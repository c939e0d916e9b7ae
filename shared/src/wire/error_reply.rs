//! An error as a reply to the client.

use serde::{Deserialize, Serialize};

/// Kind of an error. The order of the variants is part of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The client speaks another protocol number.
    ProtocolMismatch,
    /// Bytes that are not a frame or line, or one that stopped in its middle.
    BadFrame,
    /// A frame or line over [`MAX_FRAME_BYTES`](super::MAX_FRAME_BYTES), or a reply that would be.
    TooLarge,
    /// A frame or line whose content is not a request that this version knows.
    BadRequest,
    /// A text with no token to compare.
    BlankText,
    /// Too much work is pending.
    Overloaded,
    /// A request that failed through no fault of the client.
    Internal,
    /// A model that is not installed, or cannot be used.
    Model,
}

/// An error as a reply to the client.
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
    /// Creates an error without a hint that belongs to no single text.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
            text: None,
        }
    }

    /// Adds a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the text at fault, counted from 0.
    #[must_use]
    pub fn about_text(mut self, index: usize) -> Self {
        self.text = u32::try_from(index).ok();
        self
    }
}
