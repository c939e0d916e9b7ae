//! The lines of a file.

use std::time::Instant;

use serde::Serialize;

use super::operations::operations;
use crate::engine::{Embed, EmbedError, MAX_TOKENS};
use crate::model::Model;

/// Time that many texts take.
#[derive(Clone, Debug, Serialize)]
pub struct Throughput {
    /// Number of texts.
    pub texts: usize,
    /// Tokens of all texts.
    pub tokens: usize,
    /// Seconds, without tokenizing.
    pub seconds: f64,
    /// Texts per second.
    pub texts_per_s: f64,
    /// Operations per second.
    #[serde(skip)]
    pub rate: f64,
}

/// Times texts, given as token ids, in their order, in batches as the daemon makes them.
///
/// # Errors
///
/// If the model fails.
pub fn time_lines(model: &Model, texts: &[&[u32]]) -> Result<Throughput, EmbedError> {
    let lengths: Vec<usize> = texts.iter().map(|ids| ids.len()).collect();
    let start = Instant::now();
    let mut rest = texts;
    while !rest.is_empty() {
        let mut budget = MAX_TOKENS;
        let within = |ids: &&[u32]| {
            let enough = ids.len() <= budget;
            budget = budget.saturating_sub(ids.len());
            enough
        };
        let count = rest.iter().copied().take_while(within).count().max(1);
        let (batch, after) = rest.split_at(count);
        model.encoder.embed(batch)?;
        rest = after;
    }
    let seconds = start.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "for people to read")]
    let per_second = |count: usize| count as f64 / seconds;
    let operations = operations(&model.config, model.info.pooling, &lengths);
    Ok(Throughput {
        texts: texts.len(),
        tokens: lengths.iter().sum(),
        seconds,
        texts_per_s: per_second(texts.len()),
        rate: per_second(operations),
    })
}
