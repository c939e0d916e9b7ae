//! Batches of fixed sizes.

use std::time::Instant;

use serde::Serialize;

use super::operations::operations;
use crate::engine::{Embed, EmbedError, Tokenize};
use crate::model::Model;

/// Batches that are timed: texts, and tokens of each.
const BATCHES: [(usize, usize); 6] = [(1, 16), (2, 16), (2, 32), (2, 128), (1, 512), (32, 32)];

/// Runs of each batch, the first of which do not count.
const RUNS: usize = 11;
const UNCOUNTED_RUNS: usize = 2;

/// Text that batches are made of. Which word it is does not matter.
const WORD: &str = "的";

/// Times of one batch.
#[derive(Clone, Debug, Serialize)]
pub struct BatchTime {
    /// Number of texts.
    pub batch: usize,
    /// Tokens of each text.
    pub tokens: usize,
    /// Fastest run, in milliseconds.
    pub min_ms: f64,
    /// Median run, in milliseconds.
    pub median_ms: f64,
    /// Operations per second of the fastest run.
    #[serde(skip)]
    pub rate: f64,
}

/// Times batches of fixed sizes.
///
/// # Errors
///
/// If the model fails.
pub fn time_batches(model: &Model) -> Result<Vec<BatchTime>, EmbedError> {
    let word = model.tokenizer.tokenize(WORD);
    let word = word.map_err(|error| EmbedError(error.to_string()))?.ids;
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
    times.drain(..UNCOUNTED_RUNS);
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
