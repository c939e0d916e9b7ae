//! Reading of a text.

use serde::{Deserialize, Serialize};

use super::text_rules::TextSteps;

/// Most places of unknown tokens that are told.
pub const MAX_UNKNOWN_PLACES: usize = 4;

/// Reading of a text: how many of its tokens the model has read, and which it does not know.
/// Offsets count characters (Unicode scalar values) of the text as it was sent, from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextInfo {
    /// Number of tokens that the model has read, `[CLS]` and `[SEP]` included.
    pub tokens: u32,
    /// Number of tokens of the whole text, `[CLS]` and `[SEP]` included.
    pub total_tokens: u32,
    /// Offset at which the text was cut: the end of what was read of its beginning, or the begin of
    /// what was read of its end. `None` if all of it was read.
    pub cut_at: Option<u32>,
    /// Number of windows in which the text was read: 1, unless it was long and read in chunks.
    pub windows: u32,
    /// Number of unknown tokens among those that were read.
    pub unknown: u32,
    /// Offsets of the first of them, each from its first character to behind its last one, at most
    /// [`MAX_UNKNOWN_PLACES`].
    pub unknown_at: Vec<(u32, u32)>,
    /// Steps that have changed the text.
    pub changed_by: TextSteps,
}

impl TextInfo {
    /// Returns true if a part of the text was not read.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.cut_at.is_some()
    }

    /// Returns true if more than a third of what was read is unknown to the model.
    #[must_use]
    pub fn is_mostly_unknown(&self) -> bool {
        // [CLS] and [SEP] are not of the text.
        3 * u64::from(self.unknown) > u64::from(self.tokens.saturating_sub(2))
    }
}
