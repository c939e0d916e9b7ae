//! The way into the engine: texts become token ids, wait their turn, and come back as vectors.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gte_shared::wire::TextInfo;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::batch;
use super::cache::Cache;
use super::worker::{self, Job};
use super::{Embed, EmbedError, Tokenize, TokenizeError, Tokens};
use crate::lifecycle::memory;

/// How much the engine takes on.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most texts waiting or being computed at a time; one more request is refused.
    ///
    /// A text waits as its token ids, 2 KiB at most, so this bounds the memory of the queue.
    pub texts_in_hand: usize,
    /// The most bytes of text waiting to become token ids; one more request is refused.
    pub bytes_in_hand: usize,
    /// The most bytes of one text. The tokenizer needs hundreds of bytes of memory for each byte of
    /// a text while it works on it.
    pub bytes_a_text: usize,
    /// The most bytes of vectors that are remembered.
    pub bytes_remembered: usize,
}

impl Default for Limits {
    /// Two requests of the most texts, 256 MiB of token ids at the worst; four of the most bytes;
    /// a text of some 87,000 Chinese characters, of which a model reads 512 tokens; and the vectors of
    /// some 13,000 texts in the embedded model's 512 dimensions.
    fn default() -> Self {
        Self {
            texts_in_hand: 131_072,
            bytes_in_hand: 64 * 1024 * 1024,
            bytes_a_text: 256 * 1024,
            bytes_remembered: 32 * 1024 * 1024,
        }
    }
}

/// Tokenizers at work at a time; further requests wait. It bounds the memory that they need.
const TOKENIZERS: usize = 2;

/// Bytes of text that become token ids on the spot: a fraction of a millisecond, and no more than handing
/// them to another thread may take.
const ON_THE_SPOT: usize = 2 * 1024;

/// How much of something the engine has in hand.
#[derive(Clone, Debug, Default)]
struct Load(Arc<AtomicUsize>);

impl Load {
    fn now(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Takes on `count` more if they are within the limit, until the guard is dropped.
    fn take_on(
        &self,
        count: usize,
        limit: usize,
        what: &'static str,
    ) -> Result<InHand, EngineError> {
        let within = |now: usize| now.checked_add(count).filter(|sum| *sum <= limit);
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, within)
            .map_err(|in_hand| EngineError::Overloaded {
                what,
                in_hand,
                limit,
            })?;
        Ok(InHand {
            load: self.clone(),
            count,
        })
    }
}

struct InHand {
    load: Load,
    count: usize,
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.load.0.fetch_sub(self.count, Ordering::Relaxed);
    }
}

/// Why texts did not become vectors.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EngineError {
    /// One of the texts cannot be used.
    #[error("text {index}: {problem}")]
    Text {
        /// Its place among the texts, from 0.
        index: usize,
        /// What is wrong with it.
        problem: TokenizeError,
    },
    /// One of the texts is too long to be looked at.
    #[error("a text is {bytes} bytes long, and may have {limit}")]
    TooLong {
        /// Its place among the texts, from 0.
        index: usize,
        /// Its length in bytes.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// There is more work in hand than the engine takes on.
    #[error("{in_hand} {what} are in hand, and {limit} are taken on at most")]
    Overloaded {
        /// Texts, or bytes of text.
        what: &'static str,
        /// How many of them are in hand now.
        in_hand: usize,
        /// The limit.
        limit: usize,
    },
    /// The model failed.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The engine has ended.
    #[error("the engine has ended")]
    Ended,
}

/// Vectors of texts, in their order.
#[derive(Clone, Debug)]
pub struct Embedded {
    /// Of each text its vector, and what became of it.
    pub texts: Vec<(Arc<[f32]>, TextInfo)>,
    /// From text to token ids.
    pub tokenize: Duration,
    /// From the queue to the last vector.
    pub embed: Duration,
}

/// A running engine. Clones share it; it ends when the last is dropped and its work is done.
#[derive(Clone)]
pub struct Engine {
    tokenizer: Arc<dyn Tokenize>,
    tokenizers: Arc<Semaphore>,
    jobs: mpsc::UnboundedSender<Job>,
    cache: Arc<Mutex<Cache>>,
    texts: Load,
    bytes: Load,
    limits: Limits,
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
        // The limit on texts in hand is what bounds this queue.
        let (jobs, queue) = mpsc::unbounded_channel();
        std::thread::Builder::new()
            .name("gte-engine".to_owned())
            .spawn(move || {
                worker::run(queue, &model);
                drop(model);
                memory::trim();
            })?;
        Ok(Self {
            tokenizer: Arc::new(tokenizer),
            tokenizers: Arc::new(Semaphore::new(TOKENIZERS)),
            jobs,
            cache: Arc::new(Mutex::new(Cache::new(limits.bytes_remembered))),
            texts: Load::default(),
            bytes: Load::default(),
            limits,
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
    pub fn texts_in_hand(&self) -> usize {
        self.texts.now()
    }

    /// The vectors of `texts`, in their order. A text that occurs twice is computed once, and one whose
    /// vector is remembered not at all.
    ///
    /// # Errors
    ///
    /// See [`EngineError`]; one text that cannot be used fails the whole call.
    pub async fn embed(&self, texts: Vec<String>) -> Result<Embedded, EngineError> {
        let limits = self.limits;
        let _texts = self
            .texts
            .take_on(texts.len(), limits.texts_in_hand, "texts")?;
        let start = Instant::now();
        let tokens = self.tokenize(texts).await?;
        let tokenize = start.elapsed();

        let start = Instant::now();
        let (firsts, places) = batch::distinct(tokens.iter().map(|tokens| &*tokens.ids));
        let distinct = firsts.into_iter().map(|first| &tokens[first].ids);
        let vectors = self.vectors(distinct).await?;
        let of_place = |(place, tokens): (usize, Tokens)| {
            let vector: &Arc<[f32]> = vectors.get(place).ok_or(EngineError::Ended)?;
            Ok((Arc::clone(vector), tokens.info))
        };
        let texts: Result<Vec<_>, EngineError> =
            places.into_iter().zip(tokens).map(of_place).collect();
        Ok(Embedded {
            texts: texts?,
            tokenize,
            embed: start.elapsed(),
        })
    }
}

impl Engine {
    fn cache(&self) -> MutexGuard<'_, Cache> {
        // Whatever a panic left behind, an entry is a text's own vector.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The vectors of different texts: those that are remembered, and the others from the model.
    async fn vectors(
        &self,
        texts: impl Iterator<Item = &Arc<[u32]>>,
    ) -> Result<Vec<Arc<[f32]>>, EngineError> {
        let mut missing = Vec::new();
        let mut vectors: Vec<Option<Arc<[f32]>>> = {
            let mut cache = self.cache();
            let remembered = texts.map(|ids| {
                let vector = cache.get(ids);
                if vector.is_none() {
                    missing.push(Arc::clone(ids));
                }
                vector
            });
            remembered.collect()
        };
        if !missing.is_empty() {
            let (done, answer) = oneshot::channel();
            let job = Job::new(missing.clone(), done);
            self.jobs.send(job).map_err(|_| EngineError::Ended)?;
            let computed = answer.await.map_err(|_| EngineError::Ended)??;
            let places = vectors.iter_mut().filter(|vector| vector.is_none());
            let mut cache = self.cache();
            for ((place, ids), vector) in places.zip(missing).zip(computed) {
                cache.put(ids, Arc::clone(&vector));
                *place = Some(vector);
            }
        }
        let vectors: Option<Vec<_>> = vectors.into_iter().collect();
        vectors.ok_or(EngineError::Ended)
    }

    async fn tokenize(&self, texts: Vec<String>) -> Result<Vec<Tokens>, EngineError> {
        let limits = self.limits;
        let lengths = || texts.iter().map(String::len);
        if let Some((index, bytes)) = lengths()
            .enumerate()
            .find(|(_, bytes)| *bytes > limits.bytes_a_text)
        {
            return Err(EngineError::TooLong {
                index,
                bytes,
                limit: limits.bytes_a_text,
            });
        }
        let bytes = lengths().sum();
        let _bytes = self
            .bytes
            .take_on(bytes, limits.bytes_in_hand, "bytes of text")?;
        let panicked = || EmbedError("the tokenizer panicked".to_owned());
        if bytes <= ON_THE_SPOT {
            // The tokenizer is only read from, so a panic cannot leave it half changed.
            let tokenize = AssertUnwindSafe(|| tokenize_all(&*self.tokenizer, &texts));
            return catch_unwind(tokenize).map_err(|_| panicked())?;
        }
        let turn = Arc::clone(&self.tokenizers).acquire_owned().await;
        let turn = turn.map_err(|_| EngineError::Ended)?;
        let tokenizer = Arc::clone(&self.tokenizer);
        // A large request keeps the tokenizer busy for seconds, which must not hold up the sessions
        // that share this thread.
        tokio::task::spawn_blocking(move || {
            let tokens = tokenize_all(&*tokenizer, &texts);
            drop(turn);
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
