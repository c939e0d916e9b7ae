//! Tokenizing of requests: in slices, so that a large request does not keep others waiting, and
//! nothing is tokenized any more for a caller that has gone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use gte_shared::wire::TextRules;
use tokio::sync::Semaphore;

use super::backend::{EmbedError, ListedToken, Tokenize, TokenizeError, TokenizedWords, Tokens};
use super::error::EngineError;

/// Most slices that are tokenized at a time; further ones wait in turn. One leaves half of a small
/// machine to the model, and tokenizing is many times as fast as computing.
const PERMITS: usize = 1;

/// Bytes that a text counts for besides its own: a call of the tokenizer takes as long as these.
const BYTES_PER_TEXT: usize = 64;

/// Most bytes of a slice, unless a single text has more: a few milliseconds of tokenizing.
const SLICE_BYTES: usize = 32 * 1024;

/// Most bytes of a request that is tokenized on the caller's thread. They take a fraction of a
/// millisecond, no more than handing the request to another thread may take.
const INLINE_BYTES: usize = 2 * 1024;

/// A way to tokenize one text.
type Way<T> = fn(&dyn Tokenize, &str, TextRules) -> Result<T, TokenizeError>;

/// A tokenizer that requests share.
#[derive(Clone)]
pub(super) struct SharedTokenizer {
    tokenizer: Arc<dyn Tokenize>,
    permits: Arc<Semaphore>,
}

impl SharedTokenizer {
    pub(super) fn new(tokenizer: impl Tokenize + 'static) -> Self {
        Self {
            tokenizer: Arc::new(tokenizer),
            permits: Arc::new(Semaphore::new(PERMITS)),
        }
    }

    /// Tokenizes the texts of a request. Dropping the future ends the work after the current slice.
    pub(super) async fn tokenize(
        &self,
        texts: Vec<String>,
        rules: TextRules,
    ) -> Result<Vec<Tokens>, EngineError> {
        let way: Way<_> = |tokenizer, text, rules| tokenizer.tokenize(text, rules);
        if texts.iter().map(size).sum::<usize>() <= INLINE_BYTES {
            return tokenize_all(way, &*self.tokenizer, &texts, rules, 0);
        }
        self.in_slices(way, texts, rules).await
    }

    /// Tokenizes the texts of a request, and divides them into words: away from the caller's
    /// thread, since the first time takes as long as loading a dictionary.
    pub(super) async fn tokenize_words(
        &self,
        texts: Vec<String>,
        rules: TextRules,
    ) -> Result<Vec<TokenizedWords>, EngineError> {
        let way: Way<_> = |tokenizer, text, rules| tokenizer.tokenize_words(text, rules);
        self.in_slices(way, texts, rules).await
    }

    /// Lists the tokens of texts.
    pub(super) async fn list_tokens(
        &self,
        texts: Vec<String>,
        rules: TextRules,
    ) -> Result<Vec<Vec<ListedToken>>, EngineError> {
        let way: Way<_> = |tokenizer, text, rules| tokenizer.list_tokens(text, rules);
        self.in_slices(way, texts, rules).await
    }

    async fn in_slices<T: Send + 'static>(
        &self,
        way: Way<T>,
        texts: Vec<String>,
        rules: TextRules,
    ) -> Result<Vec<T>, EngineError> {
        let mut tokens = Vec::with_capacity(texts.len());
        let mut texts = texts.into_iter().peekable();
        while let Some(first) = texts.next() {
            let mut bytes = size(&first);
            let mut slice = vec![first];
            while let Some(next) = texts.next_if(|next| bytes + size(next) <= SLICE_BYTES) {
                bytes += size(&next);
                slice.push(next);
            }
            // Permits are given in the order of asking.
            let permit = Arc::clone(&self.permits).acquire_owned().await;
            let permit = permit.map_err(|_| EngineError::Ended)?;
            let tokenizer = Arc::clone(&self.tokenizer);
            let before = tokens.len();
            let slice = tokio::task::spawn_blocking(move || {
                let tokens = tokenize_all(way, &*tokenizer, &slice, rules, before);
                drop(permit);
                tokens
            });
            tokens.extend(slice.await.map_err(|_| panicked())??);
        }
        Ok(tokens)
    }
}

/// Size of a text, in bytes of tokenizing.
#[expect(clippy::ptr_arg, reason = "used as a function of an item")]
fn size(text: &String) -> usize {
    text.len() + BYTES_PER_TEXT
}

/// Tokenizes texts, the first of which is the request's text `before`.
fn tokenize_all<T>(
    way: Way<T>,
    tokenizer: &dyn Tokenize,
    texts: &[String],
    rules: TextRules,
    before: usize,
) -> Result<Vec<T>, EngineError> {
    let tokenize = |(index, text): (usize, &String)| {
        let tokens = way(tokenizer, text, rules);
        tokens.map_err(|problem| EngineError::Text { index, problem })
    };
    // A panic cannot leave the tokenizer half changed, since it is only read.
    catch_unwind(AssertUnwindSafe(|| {
        (before..).zip(texts).map(tokenize).collect()
    }))
    .map_err(|_| panicked())?
}

fn panicked() -> EngineError {
    EmbedError("the tokenizer panicked".to_owned()).into()
}
