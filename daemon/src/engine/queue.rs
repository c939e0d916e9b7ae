//! The way into the engine: texts become token ids, wait their turn, and come back as vectors.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gte_shared::wire::TextInfo;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::admission::Budget;
use super::backend::{Embed, EmbedError, Tokenize, Tokens};
use super::cache::SharedCache;
use super::error::EngineError;
use super::scheduler::Job;
use super::worker;
use crate::lifecycle::memory;

/// Limits of the engine.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Texts waiting or being computed at a time; a request beyond it is refused.
    ///
    /// A text waits as its token ids, 2 KiB at most, so this bounds the memory of the queue.
    pub pending_texts: usize,
    /// Bytes of text waiting to become token ids; a request beyond it is refused.
    pub pending_bytes: usize,
    /// Bytes of one text. The tokenizer needs hundreds of bytes of memory for each byte of a text
    /// while it works on it.
    pub bytes_per_text: usize,
    /// Bytes of remembered vectors.
    pub cache_bytes: usize,
}

impl Default for Limits {
    /// Two requests of the most texts, 256 MiB of token ids at the worst; four of the most bytes; a text
    /// of some 87,000 Chinese characters, of which a model reads 512 tokens; and the vectors of some
    /// 13,000 texts in the built-in model's 512 dimensions.
    fn default() -> Self {
        Self {
            pending_texts: 131_072,
            pending_bytes: 64 * 1024 * 1024,
            bytes_per_text: 256 * 1024,
            cache_bytes: 32 * 1024 * 1024,
        }
    }
}

/// Tokenizers at work at a time; further requests wait. It bounds the memory that they need.
const TOKENIZERS: usize = 2;

/// Bytes of text that become token ids on the caller's thread: a fraction of a millisecond, no more than
/// handing them to another thread may take.
const INLINE_TOKENIZE_BYTES: usize = 2 * 1024;

/// Vectors of texts, in their order.
#[derive(Clone, Debug)]
pub struct Embedded {
    /// Vector of each text, and its token count and truncation.
    pub texts: Vec<(Arc<[f32]>, TextInfo)>,
    /// Time from text to token ids.
    pub tokenize: Duration,
    /// Time from the queue to the last vector.
    pub embed: Duration,
}

/// A running engine. Clones share it; it ends when the last is dropped and its work is done.
#[derive(Clone)]
pub struct Engine {
    tokenizer: Arc<dyn Tokenize>,
    permits: Arc<Semaphore>,
    jobs: mpsc::UnboundedSender<Job>,
    cache: SharedCache,
    texts: Budget,
    bytes: Budget,
    bytes_per_text: usize,
    threads: usize,
}

impl Engine {
    /// Starts the thread that owns the model.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn start(
        tokenizer: impl Tokenize + 'static,
        model: impl Embed + 'static,
        limits: Limits,
    ) -> std::io::Result<Self> {
        let threads = model.threads();
        let cache = SharedCache::new(limits.cache_bytes);
        // The limit on pending texts is what bounds this queue.
        let (jobs, queue) = mpsc::unbounded_channel();
        let of_worker = cache.clone();
        std::thread::Builder::new()
            .name("gte-engine".to_owned())
            .spawn(move || {
                worker::run(queue, &model, &of_worker);
                drop(model);
                memory::trim();
            })?;
        Ok(Self {
            tokenizer: Arc::new(tokenizer),
            permits: Arc::new(Semaphore::new(TOKENIZERS)),
            jobs,
            cache,
            texts: Budget::new("texts", limits.pending_texts),
            bytes: Budget::new("bytes of text", limits.pending_bytes),
            bytes_per_text: limits.bytes_per_text,
            threads,
        })
    }

    /// Threads that the model computes with.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Texts waiting or being computed now.
    #[must_use]
    pub fn pending_texts(&self) -> usize {
        self.texts.pending()
    }

    /// Makes the vectors of `texts`, in their order. A text that occurs twice in a batch is computed
    /// once, and one whose vector is remembered not at all.
    ///
    /// # Errors
    ///
    /// See [`EngineError`]; one text that cannot be used fails the whole call.
    pub async fn embed(&self, texts: Vec<String>) -> Result<Embedded, EngineError> {
        let _pending = self.texts.reserve(texts.len())?;
        let start = Instant::now();
        let tokens = self.tokenize(texts).await?;
        let tokenize = start.elapsed();

        let start = Instant::now();
        let vectors = self.vectors(&tokens).await?;
        let infos = tokens.iter().map(|tokens| tokens.info);
        Ok(Embedded {
            texts: vectors.into_iter().zip(infos).collect(),
            tokenize,
            embed: start.elapsed(),
        })
    }

    /// Vectors of texts: those that are remembered, and the others from the worker.
    async fn vectors(&self, tokens: &[Tokens]) -> Result<Vec<Arc<[f32]>>, EngineError> {
        let mut vectors = self.cache.get_all(tokens.iter().map(|tokens| &*tokens.ids));
        let missing = tokens.iter().zip(&vectors);
        let missing = missing.filter(|(_, vector)| vector.is_none());
        let missing: Vec<Arc<[u32]>> = missing.map(|(tokens, _)| Arc::clone(&tokens.ids)).collect();
        if !missing.is_empty() {
            let (done, answer) = oneshot::channel();
            let job = Job::new(missing, done);
            self.jobs.send(job).map_err(|_| EngineError::Ended)?;
            let computed = answer.await.map_err(|_| EngineError::Ended)??;
            let places = vectors.iter_mut().filter(|vector| vector.is_none());
            for (place, vector) in places.zip(computed) {
                *place = Some(vector);
            }
        }
        let vectors: Option<Vec<_>> = vectors.into_iter().collect();
        vectors.ok_or(EngineError::Ended)
    }

    async fn tokenize(&self, texts: Vec<String>) -> Result<Vec<Tokens>, EngineError> {
        let limit = self.bytes_per_text;
        let mut lengths = texts.iter().map(String::len).enumerate();
        if let Some((index, bytes)) = lengths.find(|(_, bytes)| *bytes > limit) {
            return Err(EngineError::TooLong {
                index,
                bytes,
                limit,
            });
        }
        let bytes = texts.iter().map(String::len).sum();
        let _pending = self.bytes.reserve(bytes)?;
        let panicked = || EmbedError("the tokenizer panicked".to_owned());
        if bytes <= INLINE_TOKENIZE_BYTES {
            // The tokenizer is only read from, so a panic cannot leave it half changed.
            let tokenize = AssertUnwindSafe(|| tokenize_all(&*self.tokenizer, &texts));
            return catch_unwind(tokenize).map_err(|_| panicked())?;
        }
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| EngineError::Ended)?;
        let tokenizer = Arc::clone(&self.tokenizer);
        // A large request keeps the tokenizer busy for seconds, which must not hold up the sessions
        // that share this thread.
        tokio::task::spawn_blocking(move || {
            let tokens = tokenize_all(&*tokenizer, &texts);
            drop(permit);
            tokens
        })
        .await
        .map_err(|_| panicked())?
    }
}

fn tokenize_all(tokenizer: &dyn Tokenize, texts: &[String]) -> Result<Vec<Tokens>, EngineError> {
    let tokenize = |(index, text): (usize, &String)| {
        tokenizer
            .tokenize(text)
            .map_err(|problem| EngineError::Text { index, problem })
    };
    texts.iter().enumerate().map(tokenize).collect()
}
