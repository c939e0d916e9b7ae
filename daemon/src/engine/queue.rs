//! The entry to the engine: texts are tokenized, looked up in the cache, and queued for the worker.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gte_shared::wire::{CacheStatus, TextRules};
use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::backend::{Embed, ListedToken, Tokenize};
use super::cache::MemoryCache;
use super::embedded::{Embedded, EmbeddedText, hash};
use super::error::EngineError;
use super::job::{CallerId, Job, Task};
use super::pending::Pending;
use super::progress::Progress;
use super::remembered::{KeptVectors, Remembered};
use super::tokenizing::SharedTokenizer;
use super::worker;
use crate::lifecycle::memory;

/// Limits of the engine. Its callers bound the memory of what waits.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most bytes of one text. The tokenizer needs hundreds of bytes of memory per byte of text.
    pub bytes_per_text: usize,
    /// Most bytes of cached vectors.
    pub cache_bytes: usize,
}

impl Default for Limits {
    /// Default limits: a text of about 87,000 Chinese characters, of which a model reads 512
    /// tokens; and the vectors of about 13,000 texts in the built-in model's 512 dimensions.
    fn default() -> Self {
        Self {
            bytes_per_text: 256 * 1024,
            cache_bytes: 32 * 1024 * 1024,
        }
    }
}

/// Time for a worker that has dropped its jobs to end, unless it runs again.
const END_TIMEOUT: Duration = Duration::from_millis(100);

/// Runs of the worker until the engine ends: the first, and one more.
const ATTEMPTS: usize = 2;

/// Engines that have been started by this process.
static STARTED: AtomicU64 = AtomicU64::new(0);

/// A running engine. Clones share it. The engine ends when the last clone is dropped and all jobs
/// are done.
#[derive(Clone)]
pub struct Engine {
    pub(super) tokenizer: SharedTokenizer,
    jobs: mpsc::UnboundedSender<Job>,
    remembered: Remembered,
    pub(super) pending: Pending,
    progress: Progress,
    bytes_per_text: usize,
    threads: usize,
    number: u64,
}

impl Engine {
    /// Starts the worker thread, which owns the model. Vectors are also `kept` elsewhere, if the
    /// user wants it.
    ///
    /// # Errors
    ///
    /// If the system cannot start a thread.
    pub fn start(
        tokenizer: impl Tokenize + 'static,
        model: impl Embed + 'static,
        limits: Limits,
        kept: KeptVectors,
    ) -> std::io::Result<Self> {
        let threads = model.threads();
        let remembered = Remembered::new(MemoryCache::new(limits.cache_bytes), kept);
        // The callers bound this queue.
        let (jobs, mut queue) = mpsc::unbounded_channel();
        let of_worker = remembered.clone();
        let progress = Progress::default();
        let worker_progress = progress.clone();
        std::thread::Builder::new()
            .name("gte-engine".to_owned())
            .spawn(move || {
                supervise(|| worker::run(&mut queue, &model, &of_worker, &worker_progress));
                drop((queue, model));
                memory::trim();
            })?;
        Ok(Self {
            tokenizer: SharedTokenizer::new(tokenizer),
            jobs,
            remembered,
            pending: Pending::default(),
            progress,
            bytes_per_text: limits.bytes_per_text,
            threads,
            number: STARTED.fetch_add(1, Ordering::Relaxed),
        })
    }

    /// Number of this engine, which no other one of the process has.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Number of threads that the model computes with.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Number of texts waiting or being computed now.
    #[must_use]
    pub fn pending_texts(&self) -> usize {
        self.pending.texts()
    }

    /// Counters and size of the cache of vectors.
    #[must_use]
    pub fn cache_status(&self) -> CacheStatus {
        self.remembered.status()
    }

    /// Number of batches so far, if the model computes now; `None` while it waits for texts. If the
    /// number stays the same, the model has come to nothing meanwhile.
    #[must_use]
    pub fn batches_if_busy(&self) -> Option<u64> {
        self.progress.batches_if_busy()
    }

    /// Texts per batch so far.
    #[must_use]
    pub fn batch_texts(&self) -> &Histogram {
        self.progress.batch_texts()
    }

    /// Computes the vectors of `texts`, in their order, as `rules` make them tokens. A text that
    /// occurs twice is computed once, and a text with a cached vector is not computed. Texts of
    /// several callers take turns. Dropping the future drops what has not been computed.
    ///
    /// # Errors
    ///
    /// See [`EngineError`]; one text that cannot be tokenized or computed fails the whole call.
    pub async fn embed(
        &self,
        caller: CallerId,
        texts: Vec<String>,
        rules: TextRules,
    ) -> Result<Embedded, EngineError> {
        let _pending = self.pending.count(texts.len());
        let start = Instant::now();
        self.check_lengths(&texts)?;
        let hashes: Vec<u64> = texts.iter().map(hash).collect();
        let tokens = self.tokenizer.tokenize(texts, rules).await?;
        let tokenize = start.elapsed();

        let start = Instant::now();
        let windows = tokens.iter().flat_map(|tokens| &tokens.windows);
        let windows: Vec<_> = windows.map(Arc::clone).collect();
        let mut vectors = self.vectors(caller, &windows).await?.into_iter();
        let texts = tokens.into_iter().zip(hashes);
        let texts = texts.map(|(tokens, hash)| EmbeddedText::new(tokens, hash, vectors.by_ref()));
        Ok(Embedded {
            texts: texts.collect(),
            tokenize,
            embed: start.elapsed(),
        })
    }

    /// Lists the tokens of texts as `rules` make them, none of which is cut.
    ///
    /// # Errors
    ///
    /// If a text is too long, or the tokenizer fails.
    pub async fn list_tokens(
        &self,
        texts: Vec<String>,
        rules: TextRules,
    ) -> Result<Vec<Vec<ListedToken>>, EngineError> {
        self.check_lengths(&texts)?;
        self.tokenizer.list_tokens(texts, rules).await
    }

    /// Checks that no text is too long.
    pub(super) fn check_lengths(&self, texts: &[String]) -> Result<(), EngineError> {
        let limit = self.bytes_per_text;
        let mut lengths = texts.iter().map(String::len).enumerate();
        match lengths.find(|(_, bytes)| *bytes > limit) {
            None => Ok(()),
            Some((index, bytes)) => Err(EngineError::TooLong {
                index,
                bytes,
                limit,
            }),
        }
    }

    /// Returns the vectors of windows: remembered ones, and the others from the worker.
    pub(super) async fn vectors(
        &self,
        caller: CallerId,
        windows: &[Arc<[u32]>],
    ) -> Result<Vec<Arc<[f32]>>, EngineError> {
        let mut vectors = self.remembered.get_all(windows).await;
        let missing = windows.iter().zip(&vectors);
        let missing = missing.filter(|(_, vector)| vector.is_none());
        let missing: Vec<Task> = missing
            .map(|(ids, _)| Task::Vector(Arc::clone(ids)))
            .collect();
        if !missing.is_empty() {
            let computed = self.compute(caller, missing).await?;
            let empty = vectors.iter_mut().filter(|vector| vector.is_none());
            for (slot, vector) in empty.zip(computed) {
                *slot = Some(vector);
            }
        }
        let vectors: Option<Vec<_>> = vectors.into_iter().collect();
        vectors.ok_or(EngineError::Ended)
    }

    /// Has the worker do tasks; returns their results in order.
    pub(super) async fn compute(
        &self,
        caller: CallerId,
        tasks: Vec<Task>,
    ) -> Result<Vec<Arc<[f32]>>, EngineError> {
        let (done, answer) = oneshot::channel();
        let job = Job {
            caller,
            tasks,
            done,
        };
        self.jobs.send(job).map_err(|_| EngineError::Ended)?;
        match answer.await {
            Ok(outcome) => Ok(outcome?),
            Err(_) => Err(self.interrupted().await),
        }
    }

    /// Error of a request whose job was dropped. The worker drops its jobs a moment before it ends.
    async fn interrupted(&self) -> EngineError {
        match timeout(END_TIMEOUT, self.jobs.closed()).await {
            Ok(()) => EngineError::Ended,
            Err(_) => EngineError::Interrupted,
        }
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
