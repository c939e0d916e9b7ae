//! Time of the lines of a file.

use std::time::Instant;

use serde::Serialize;

use super::operations::operations;
use crate::engine::{Embed, EmbedError, batches};
use crate::model::Model;

/// Time that many texts take.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Throughput {
    /// Number of texts.
    pub(crate) texts: usize,
    /// Number of tokens in all texts.
    pub(crate) tokens: usize,
    /// Time in seconds, without tokenizing.
    pub(crate) seconds: f64,
    /// Texts per second.
    pub(crate) texts_per_s: f64,
    /// Operations per second.
    #[serde(skip)]
    pub(crate) rate: f64,
}

/// Times texts, given as token ids, in their order, in batches of the daemon's size.
///
/// # Errors
///
/// If the model fails.
pub(crate) fn time_lines(model: &Model, texts: &[&[u32]]) -> Result<Throughput, EmbedError> {
    let lengths: Vec<usize> = texts.iter().map(|ids| ids.len()).collect();
    let start = Instant::now();
    for batch in batches(texts) {
        model.encoder.embed(batch)?;
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
