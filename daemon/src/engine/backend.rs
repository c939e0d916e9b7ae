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

/// Failure to tokenize a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenizeError {
    /// The text has no tokens: it is empty, or consists of spaces and of characters that the
    /// tokenizer deletes (control characters and zero-width characters).
    #[error("nothing in it is left to compare")]
    Blank,
    /// The tokenizer failed.
    #[error("the tokenizer failed on it")]
    Failed,
}

/// A tokenizer: text in, token ids out.
pub trait Tokenize: Send + Sync {
    /// Tokenizes one text, and cuts the ids at the model's maximum length.
    ///
    /// # Errors
    ///
    /// If the text has no tokens, or the tokenizer fails.
    fn tokenize(&self, text: &str) -> Result<Tokens, TokenizeError>;
}

/// Failure of the model to compute a batch.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct EmbedError(pub String);

/// A model: batches of token ids in, vectors out.
pub trait Embed: Send {
    /// Number of threads that the model computes with.
    fn threads(&self) -> usize;

    /// Computes the vector of each text, of unit length (L2).
    ///
    /// # Errors
    ///
    /// If the computation fails.
    fn embed(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>, EmbedError>;
}
