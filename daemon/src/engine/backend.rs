//! The two traits through which the engine sees a model.

use std::ops::Range;
use std::sync::Arc;

use gte_shared::wire::{TextInfo, TextRules};

/// A text as token ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Ids, `[CLS]` and `[SEP]` included, of the text; of each of its windows, if it is read in
    /// several.
    pub windows: Vec<Arc<[u32]>>,
    /// Reading of the text.
    pub info: TextInfo,
}

/// A text as token ids, and its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenizedWords {
    /// Ids of the text, which is read in one window.
    pub tokens: Tokens,
    /// Words of what is read, in their order. They do not overlap. Punctuation is not a word.
    pub words: Vec<Word>,
}

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Offsets in the text as it was sent, in characters: of its first character, and behind its
    /// last one.
    pub place: (u32, u32),
    /// Its tokens among the ids of the text.
    pub tokens: Range<usize>,
}

/// A token of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedToken {
    /// Id.
    pub id: u32,
    /// Part of the text that it is of; the name of a special token.
    pub text: String,
    /// Offsets in the text as it was sent, in characters; `None` of a special token.
    pub place: Option<(u32, u32)>,
}

/// Failure to tokenize a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenizeError {
    /// The text has no tokens: it is empty, or consists of spaces and of characters that the
    /// tokenizer deletes (control characters and zero-width characters).
    #[error("nothing in it is left to compare")]
    Blank,
    /// The text has more tokens than the model reads, and is not to be cut.
    #[error("it has {tokens} tokens; the model reads {limit}")]
    TooManyTokens {
        /// Number of its tokens.
        tokens: usize,
        /// Most tokens that the model reads.
        limit: usize,
    },
    /// The text is read in several windows, and is not to be.
    #[error("it is read in {windows} chunks, of which the words cannot be explained")]
    SeveralWindows {
        /// Number of its windows.
        windows: usize,
    },
    /// The tokenizer failed.
    #[error("the tokenizer failed on it")]
    Failed,
}

/// A tokenizer: text in, token ids out.
pub trait Tokenize: Send + Sync {
    /// Tokenizes one text by `rules`, of which each window has at most the model's maximum length.
    ///
    /// # Errors
    ///
    /// If the text has no tokens or, by the rules, too many, or the tokenizer fails.
    fn tokenize(&self, text: &str, rules: TextRules) -> Result<Tokens, TokenizeError>;

    /// Tokenizes one text by `rules`, and divides what is read of it into words.
    ///
    /// # Errors
    ///
    /// As those of [`tokenize`](Self::tokenize), and if the text is read in several windows.
    fn tokenize_words(&self, text: &str, rules: TextRules)
    -> Result<TokenizedWords, TokenizeError>;

    /// Lists all tokens of one text after the steps of `rules`, special ones included; of a blank
    /// text, only these.
    ///
    /// # Errors
    ///
    /// If the tokenizer fails.
    fn list_tokens(&self, text: &str, rules: TextRules) -> Result<Vec<ListedToken>, TokenizeError>;
}

/// Failure of the model to compute a batch.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct EmbedError(pub String);

/// A model: batches of token ids in, vectors or hidden states out.
pub trait Embed: Send {
    /// Number of threads that the model computes with.
    fn threads(&self) -> usize;

    /// Computes the vector of each text, of unit length (L2).
    ///
    /// # Errors
    ///
    /// If the computation fails.
    fn embed(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>, EmbedError>;

    /// Computes the hidden states after the last layer of all tokens of each text: `[tokens,
    /// hidden]`, row by row.
    ///
    /// # Errors
    ///
    /// If the computation fails.
    fn hidden_states(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>, EmbedError>;
}
