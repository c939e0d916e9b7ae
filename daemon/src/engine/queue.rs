//! The way into the engine: texts become token ids, wait their turn, and come back as vectors.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gte_shared::wire::TextInfo;
use tokio::sync::{mpsc, oneshot};

use super::worker::{self, Job};
use super::{Embed, EmbedError, Tokenize, TokenizeError, Tokens};

/// How much the engine takes on.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most texts waiting or being computed at a time; one more request is refused.
    ///
    /// A text waits as its token ids, 2 KiB at most, so this bounds the memory of the queue.
    pub texts_in_hand: usize,
}

impl Default for Limits {
    /// Two of the largest requests, 256 MiB of token ids at the worst.
    fn default() -> Self {
        Self {
            texts_in_hand: 131_072,
        }
    }
}

/// How much work the engine has in hand, for whoever wants to show it.
#[derive(Clone, Debug, Default)]
pub struct Load {
    texts: Arc<AtomicUsize>,
}

impl Load {
    /// Texts waiting or being computed now.
    #[must_use]
    pub fn texts(&self) -> usize {
        self.texts.load(Ordering::Relaxed)
    }

    /// Takes on `count` more texts if they are within the limit, until the guard is dropped.
    fn take_on(&self, count: usize, limit: usize) -> Option<InHand> {
        let within = |texts: usize| Some(texts + count).filter(|sum| *sum <= limit);
        self.texts
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, within)
            .ok()?;
        Some(InHand {
            texts: Arc::clone(&self.texts),
            count,
        })
    }
}

struct InHand {
    texts: Arc<AtomicUsize>,
    count: usize,
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.texts.fetch_sub(self.count, Ordering::Relaxed);
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
    /// There is more work in hand than the engine takes on.
    #[error("{in_hand} texts are in hand, and {limit} are taken on at most")]
    Overloaded {
        /// Texts in hand now.
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
    jobs: mpsc::UnboundedSender<Job>,
    load: Load,
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
            .spawn(move || worker::run(queue, &model))?;
        Ok(Self {
            tokenizer: Arc::new(tokenizer),
            jobs,
            load: Load::default(),
            limits,
            threads,
        })
    }

    /// Threads that the model computes with.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// How much is in hand.
    #[must_use]
    pub fn load(&self) -> &Load {
        &self.load
    }

    /// The vectors of `texts`, in their order. A text that occurs twice is computed once.
    ///
    /// # Errors
    ///
    /// See [`EngineError`]; one text that cannot be used fails the whole call.
    pub async fn embed(&self, texts: Vec<String>) -> Result<Embedded, EngineError> {
        let limit = self.limits.texts_in_hand;
        let in_hand = self.load.take_on(texts.len(), limit);
        let _in_hand = in_hand.ok_or_else(|| EngineError::Overloaded {
            in_hand: self.load.texts(),
            limit,
        })?;

        let start = Instant::now();
        let tokenizer = Arc::clone(&self.tokenizer);
        // A large request keeps the tokenizer busy for seconds, which must not hold up the sessions
        // that share this thread.
        let tokens = tokio::task::spawn_blocking(move || tokenize_all(&*tokenizer, &texts))
            .await
            .map_err(|_| EmbedError("the tokenizer panicked".to_owned()))??;
        let tokenize = start.elapsed();

        let start = Instant::now();
        let (distinct, places) = distinct(&tokens);
        let (done, answer) = oneshot::channel();
        let job = Job::new(distinct, done);
        self.jobs.send(job).map_err(|_| EngineError::Ended)?;
        let vectors = answer.await.map_err(|_| EngineError::Ended)??;
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

fn tokenize_all(tokenizer: &dyn Tokenize, texts: &[String]) -> Result<Vec<Tokens>, EngineError> {
    let tokenize = |(index, text): (usize, &String)| {
        tokenizer
            .tokenize(text)
            .map_err(|problem| EngineError::Text { index, problem })
    };
    texts.iter().enumerate().map(tokenize).collect()
}

/// The distinct token sequences, and for each text the place of its own among them.
fn distinct(tokens: &[Tokens]) -> (Vec<Arc<[u32]>>, Vec<usize>) {
    let mut distinct = Vec::new();
    let mut place_of: HashMap<&[u32], usize> = HashMap::new();
    let places = tokens
        .iter()
        .map(|tokens| {
            *place_of.entry(&tokens.ids).or_insert_with(|| {
                distinct.push(Arc::clone(&tokens.ids));
                distinct.len() - 1
            })
        })
        .collect();
    (distinct, places)
}
