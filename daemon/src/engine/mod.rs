//! The engine: many small requests in, few good batches through the model.
//!
//! Architecture invariant: the engine knows neither sockets nor Burn. It sees a model through
//! [`Tokenize`] and [`Embed`], and is called through [`Engine::embed`].

mod batch;
mod cache;
mod queue;
mod worker;

use std::sync::Arc;

use gte_shared::wire::TextInfo;

pub use batch::MAX_TOKENS;
pub use queue::{Embedded, Engine, EngineError, Limits};

/// A text as token ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// The ids, `[CLS]` and `[SEP]` included.
    pub ids: Arc<[u32]>,
    /// How many, and whether the text had more.
    pub info: TextInfo,
}

/// Why a text has no token ids.
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
    /// The token ids of one text, cut at the model's length.
    ///
    /// # Errors
    ///
    /// If nothing in the text is left to compare, or the tokenizer fails.
    fn tokenize(&self, text: &str) -> Result<Tokens, TokenizeError>;
}

/// The model failed at a batch.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the model failed: {0}")]
pub struct EmbedError(pub String);

/// Batches of token ids in, vectors out.
pub trait Embed: Send {
    /// How many threads it computes with.
    fn threads(&self) -> usize;

    /// The vector of each text, of unit length (L2).
    ///
    /// # Errors
    ///
    /// If the computation fails.
    fn embed(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>, EmbedError>;
}
