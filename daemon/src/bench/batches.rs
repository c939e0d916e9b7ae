//! Times of batches of fixed sizes.

use std::time::Instant;

use serde::Serialize;

use super::operations::operations;
use crate::engine::{Embed, EmbedError, TokenizeError};
use crate::model::Model;

/// Batches to time: number of texts, and tokens per text.
const BATCHES: [(usize, usize); 6] = [(1, 16), (2, 16), (2, 32), (2, 128), (1, 512), (32, 32)];

/// Number of runs per batch.
const RUNS: usize = 11;

/// Number of first runs that do not count: they warm up the caches.
const WARM_UP_RUNS: usize = 2;

/// Word that the texts of the batches consist of. Any word takes the same time.
const WORD: &str = "的";

/// Times of one batch.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct BatchTime {
    /// Number of texts.
    pub(crate) batch: usize,
    /// Tokens per text.
    pub(crate) tokens: usize,
    /// Fastest run, in milliseconds.
    pub(crate) min_ms: f64,
    /// Median run, in milliseconds.
    pub(crate) median_ms: f64,
    /// Operations per second of the fastest run.
    #[serde(skip)]
    pub(crate) rate: f64,
}

/// Times batches of fixed sizes.
///
/// # Errors
///
/// If the model fails.
pub(crate) fn time_batches(model: &Model) -> Result<Vec<BatchTime>, EmbedError> {
    let failed = |error: TokenizeError| EmbedError(format!("{WORD} cannot be tokenized: {error}"));
    let word = model.tokenizer.ids(WORD).map_err(failed)?;
    let time = |(batch, tokens): (usize, usize)| {
        let most = model.info.max_tokens as usize;
        let ids = word.iter().cycle().copied().take(tokens.min(most));
        let ids: Vec<u32> = ids.collect();
        time_batch(model, batch, &ids)
    };
    BATCHES.into_iter().map(time).collect()
}

fn time_batch(model: &Model, batch: usize, ids: &[u32]) -> Result<BatchTime, EmbedError> {
    let texts = vec![ids; batch];
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let start = Instant::now();
        model.encoder.embed(&texts)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.drain(..WARM_UP_RUNS);
    times.sort_by(f64::total_cmp);
    let min_ms = times.first().copied().unwrap_or_default();
    let operations = operations(&model.config, model.info.pooling, &vec![ids.len(); batch]);
    #[expect(clippy::cast_precision_loss, reason = "for people to read")]
    let rate = operations as f64 / (min_ms / 1e3);
    Ok(BatchTime {
        batch,
        tokens: ids.len(),
        min_ms,
        median_ms: times.get(times.len() / 2).copied().unwrap_or_default(),
        rate,
    })
}
