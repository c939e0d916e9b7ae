//! The entry to the engine: texts are tokenized, looked up in the cache, and queued for the worker.

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
    /// Most texts waiting or being computed at a time; a request beyond the limit is refused.
    ///
    /// A waiting text is at most 2 KiB of token ids, so this limit bounds the memory of the queue.
    pub pending_texts: usize,
    /// Most bytes of text waiting for the tokenizer; a request beyond the limit is refused.
    pub pending_bytes: usize,
    /// Most bytes of one text. The tokenizer needs hundreds of bytes of memory per byte of text.
    pub bytes_per_text: usize,
    /// Most bytes of cached vectors.
    pub cache_bytes: usize,
}

impl Default for Limits {
    /// Default limits: two requests of the most texts, with at most 256 MiB of token ids; four
    /// requests of the most bytes; a text of about 87,000 Chinese characters, of which a model
    /// reads 512 tokens; and the vectors of about 13,000 texts in the built-in model's 512
    /// dimensions.
    fn default() -> Self {
        Self {
            pending_texts: 131_072,
            pending_bytes: 64 * 1024 * 1024,
            bytes_per_text: 256 * 1024,
            cache_bytes: 32 * 1024 * 1024,
        }
    }
}

/// Most requests that are tokenized at a time; further ones wait. Bounds the tokenizer's memory.
const TOKENIZE_PERMITS: usize = 2;

/// Most bytes of a request that is tokenized on the caller's thread. They take a fraction of a
/// millisecond, no more than handing the request to another thread may take.
const INLINE_TOKENIZE_BYTES: usize = 2 * 1024;

/// Runs of the worker until the engine ends: the first, and one more.
const ATTEMPTS: usize = 2;

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

/// A running engine. Clones share it. The engine ends when the last clone is dropped and all jobs
/// are done.
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
    /// Starts the worker thread, which owns the model.
    ///
    /// # Errors
    ///
    /// If the system cannot start a thread.
    pub fn start(
        tokenizer: impl Tokenize + 'static,
        model: impl Embed + 'static,
        limits: Limits,
    ) -> std::io::Result<Self> {
        let threads = model.threads();
        let cache = SharedCache::new(limits.cache_bytes);
        // The limit on pending texts bounds this queue.
        let (jobs, queue) = mpsc::unbounded_channel();
        let worker_cache = cache.clone();
        std::thread::Builder::new()
            .name("gte-engine".to_owned())
            .spawn(move || {
                let mut queue = queue;
                supervise(|| worker::run(&mut queue, &model, &worker_cache));
                drop((queue, model));
                memory::trim();
            })?;
        Ok(Self {
            tokenizer: Arc::new(tokenizer),
            permits: Arc::new(Semaphore::new(TOKENIZE_PERMITS)),
            jobs,
            cache,
            texts: Budget::new("texts", limits.pending_texts),
            bytes: Budget::new("bytes of text", limits.pending_bytes),
            bytes_per_text: limits.bytes_per_text,
            threads,
        })
    }

    /// Number of threads that the model computes with.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Number of texts waiting or being computed now.
    #[must_use]
    pub fn pending_texts(&self) -> usize {
        self.texts.pending()
    }

    /// Computes the vectors of `texts`, in their order. A text that occurs twice in a batch is
    /// computed once, and a text with a cached vector is not computed.
    ///
    /// # Errors
    ///
    /// See [`EngineError`]; one text that cannot be tokenized fails the whole call.
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

    /// Returns the vectors of texts: cached ones, and the others from the worker.
    async fn vectors(&self, tokens: &[Tokens]) -> Result<Vec<Arc<[f32]>>, EngineError> {
        let mut vectors = self.cache.get_all(tokens.iter().map(|tokens| &*tokens.ids));
        let missing = tokens.iter().zip(&vectors);
        let missing = missing.filter(|(_, vector)| vector.is_none());
        let missing: Vec<Arc<[u32]>> = missing.map(|(tokens, _)| Arc::clone(&tokens.ids)).collect();
        if !missing.is_empty() {
            let (done, answer) = oneshot::channel();
            let job = Job {
                texts: missing,
                done,
            };
            self.jobs.send(job).map_err(|_| EngineError::Ended)?;
            let computed = answer.await.map_err(|_| self.interrupted())??;
            let empty = vectors.iter_mut().filter(|vector| vector.is_none());
            for (slot, vector) in empty.zip(computed) {
                *slot = Some(vector);
            }
        }
        let vectors: Option<Vec<_>> = vectors.into_iter().collect();
        vectors.ok_or(EngineError::Ended)
    }

    /// Error of a request whose job was dropped.
    fn interrupted(&self) -> EngineError {
        if self.jobs.is_closed() {
            EngineError::Ended
        } else {
            EngineError::Interrupted
        }
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
            // A panic cannot leave the tokenizer half changed, since it is only read.
            let tokenize = AssertUnwindSafe(|| tokenize_all(&*self.tokenizer, &texts));
            return catch_unwind(tokenize).map_err(|_| panicked())?;
        }
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| EngineError::Ended)?;
        let tokenizer = Arc::clone(&self.tokenizer);
        // A large request takes seconds, which must not block the sessions of this thread.
        tokio::task::spawn_blocking(move || {
            let tokens = tokenize_all(&*tokenizer, &texts);
            drop(permit);
            tokens
        })
        .await
        .map_err(|_| panicked())?
    }
}

/// Runs the worker, and once more if it panics. Its jobs are then dropped, and the callers of those
/// learn of it. After a second panic, the engine ends: the process must be started anew.
fn supervise(mut run: impl FnMut()) {
    for attempt in 1..=ATTEMPTS {
        if catch_unwind(AssertUnwindSafe(&mut run)).is_ok() {
            return;
        }
        tracing::error!(attempt, of = ATTEMPTS, "the thread of the model failed");
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Number of runs of a worker that panics in the first `panics` of them.
    fn runs(panics: usize) -> usize {
        let mut runs = 0;
        supervise(|| {
            runs += 1;
            assert!(runs > panics, "on purpose");
        });
        runs
    }

    #[test]
    fn a_worker_is_run_again_once() {
        assert_eq!([runs(0), runs(1), runs(2), runs(9)], [1, 2, 2, 2]);
    }
}
