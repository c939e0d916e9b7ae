//! Errors of an evaluation.

use std::io;
use std::path::PathBuf;

use crate::engine::{EmbedError, TokenizeError};

/// Failure of an evaluation. Messages name lines, and never quote a text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EvalError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// A line is not a labelled pair.
    #[error("line {line}: {problem}")]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// Fault of the line.
        problem: String,
    },
    /// A text cannot be tokenized.
    #[error("line {line}: a text cannot be compared: {problem}")]
    Text {
        /// Number of the line, from 1.
        line: usize,
        /// Fault of the text.
        problem: TokenizeError,
    },
    /// The pairs do not allow an evaluation.
    #[error("{0}")]
    Unfit(String),
    /// The model fails.
    #[error(transparent)]
    Embed(#[from] EmbedError),
}

impl EvalError {
    /// Next step for the user, where there is one.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Line { .. } => {
                "each line is a<TAB>b<TAB>label, with 0 and 1 or ratings as labels"
            }
            Self::Text {
                problem: TokenizeError::TooManyTokens { .. },
                ..
            } => "shorten it, or choose --truncation head, tail or chunk",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
