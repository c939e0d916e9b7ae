//! The two traits through which the engine sees a model.

use std::sync::Arc;

use gte_shared::wire::TextInfo;

/// A text as token ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Ids, `[CLS]` and `[SEP]` included.
    pub ids: Arc<[u32]>,
    /// Token count and truncation.
    pub info: TextInfo,
}

/// Failure to make token ids of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenizeError {
    /// Nothing is left of the text: it is empty, or only of spaces and of characters that the
    /// tokenizer deletes (control characters, zero-width ones).
    #[error("nothing in it is left to compare")]
    Blank,
    /// The tokenizer failed.
    #[error("the tokenizer failed on it")]
    Failed,
}

/// Text in, token ids out.
pub trait Tokenize: Send + Sync {
    /// Makes the token ids of one text, cut at the model's length.
    ///
    /// # Errors
    ///
    /// If nothing in the text is left to compare, or the tokenizer fails.
    fn tokenize(&self, text: &str) -> Result<Tokens, TokenizeError>;
}

/// Failure of the model at a batch.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the model failed: {0}")]
pub struct EmbedError(pub String);

/// Batches of token ids in, vectors out.
pub trait Embed: Send {
    /// Number of threads that it computes with.
    fn threads(&self) -> usize;

    /// Computes the vector of each text, of unit length (L2).
    ///
    /// # Errors
    ///
    /// If the computation fails.
    fn embed(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>, EmbedError>;
}
