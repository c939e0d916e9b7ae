//! Texts with their vectors.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use gte_shared::wire::TextInfo;

use super::backend::Tokens;
use super::pooling::pool;

/// Vectors of texts, in their order.
#[derive(Clone, Debug)]
pub struct Embedded {
    /// Each text.
    pub texts: Vec<EmbeddedText>,
    /// Time from text to token ids.
    pub tokenize: Duration,
    /// Time from the queue to the last vector.
    pub embed: Duration,
}

/// A text and its vector.
#[derive(Clone, Debug)]
pub struct EmbeddedText {
    /// Vector of unit length (L2).
    pub vector: Arc<[f32]>,
    /// Reading of the text.
    pub info: TextInfo,
    /// Token ids of its windows.
    windows: Vec<Arc<[u32]>>,
    /// Hash of the text as it was sent.
    hash: u64,
}

impl EmbeddedText {
    /// Creates the text of `tokens` and of this [`hash`], with the vectors of its windows from
    /// `vectors`.
    pub(super) fn new(
        tokens: Tokens,
        hash: u64,
        vectors: impl Iterator<Item = Arc<[f32]>>,
    ) -> Self {
        let Tokens { windows, info } = tokens;
        Self {
            vector: pool(&windows, vectors),
            info,
            windows,
            hash,
        }
    }

    /// Returns true if the other text differs, and has become the same tokens.
    #[must_use]
    pub fn is_confused_with(&self, other: &Self) -> bool {
        self.hash != other.hash && self.windows == other.windows
    }
}

/// Hash of a text as it was sent.
pub(super) fn hash(text: &String) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
