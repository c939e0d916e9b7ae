//! The encoder: batches of token ids in, vectors of unit length out.

use std::fmt::Display;

use gte_kernels::QueryRows;
use gte_shared::wire::Pooling;
use rayon::ThreadPool;
use rayon::prelude::*;

use super::compute::Compute;
use super::config::BertConfig;
use super::error::ModelError;
use super::fused::{Batch, Fused};
use super::pooling::pool;
use super::timings::{LoadTimings, Stopwatch};
use crate::engine::{Embed, EmbedError};
use crate::weights::{Tensors, Weights};

/// A network with its weights and its threads.
pub struct Encoder {
    network: Fused,
    pooling: Pooling,
    width: usize,
    pool: ThreadPool,
}

/// Number of tokens in a group of texts that one thread takes through the network.
///
/// Enough rows for the matrix products to run at full speed, and so few that the intermediate
/// results stay in the caches of a core.
const TOKENS_PER_GROUP: usize = 256;

impl Encoder {
    /// Packs the network from its weights; notes the times in `timings`.
    ///
    /// # Errors
    ///
    /// If the weights do not match the sizes, or the threads cannot be started.
    pub(super) fn load(
        config: &BertConfig,
        pooling: Pooling,
        weights: Weights,
        compute: Compute,
        timings: &mut LoadTimings,
    ) -> Result<Self, ModelError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(compute.threads)
            .thread_name(|index| format!("gte-compute-{index}"))
            .build()?;
        let mut watch = Stopwatch::start();
        let tensors = Tensors::open(weights, &config.tensors())?;
        timings.map = watch.lap();
        let network = pool.install(|| Fused::load(config, tensors, compute.precision))?;
        timings.pack = watch.lap();
        Ok(Self {
            network,
            pooling,
            width: config.hidden_size,
            pool,
        })
    }

    /// Thread pool that the encoder computes with.
    #[must_use]
    pub(crate) fn pool(&self) -> &ThreadPool {
        &self.pool
    }

    /// Computes the hidden states of concatenated texts, row by row.
    fn run(&self, texts: &[&[u32]], queries: QueryRows) -> Result<Vec<f32>, EmbedError> {
        let batch = Batch {
            ids: texts.concat(),
            lengths: texts.iter().map(|ids| ids.len()).collect(),
        };
        let failed = |error: &dyn Display| EmbedError(format!("the model failed: {error}"));
        let hidden = self.network.forward(&batch, queries);
        let hidden = hidden.map_err(|error| failed(&error))?.into_data();
        hidden.try_into_vec().map_err(|error| failed(&error))
    }

    /// Computes the hidden states of many texts in groups, each of which one thread takes through
    /// the whole network, and what `finish` makes of those of a text. For few texts, the threads
    /// share each operation, so that every weight is read from memory once: for the few rows of a
    /// pair, reading the weights takes most of the time.
    fn compute(
        &self,
        texts: &[&[u32]],
        queries: QueryRows,
        finish: impl Fn(&[f32]) -> Vec<f32> + Sync,
    ) -> Result<Vec<Vec<f32>>, EmbedError> {
        let groups = groups(texts, self.threads());
        let computed = self.pool.install(|| {
            let groups = groups.par_iter().with_max_len(1);
            let computed = groups.map(|group| self.compute_group(group, queries, &finish));
            computed.collect::<Result<Vec<_>, _>>()
        })?;
        Ok(computed.into_iter().flatten().collect())
    }

    /// Computes a group of texts: the hidden states of the rows that `queries` names.
    fn compute_group(
        &self,
        texts: &[&[u32]],
        queries: QueryRows,
        finish: impl Fn(&[f32]) -> Vec<f32>,
    ) -> Result<Vec<Vec<f32>>, EmbedError> {
        let hidden = self.run(texts, queries)?;
        // NaN and infinite values would still give a score.
        if !hidden.iter().all(|value| value.is_finite()) {
            return Err(EmbedError(
                "the model produced NaN or infinite values; its weights may be damaged".to_owned(),
            ));
        }
        let mut rest = hidden.as_slice();
        let mut computed = Vec::with_capacity(texts.len());
        for ids in texts {
            let (own, after) = rest
                .split_at_checked(queries.count(ids.len()) * self.width)
                .ok_or_else(|| EmbedError("the model produced too few hidden states".to_owned()))?;
            rest = after;
            computed.push(finish(own));
        }
        Ok(computed)
    }
}

impl Embed for Encoder {
    fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    fn embed(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let queries = match self.pooling {
            Pooling::Cls => QueryRows::First,
            Pooling::Mean => QueryRows::All,
        };
        self.compute(texts, queries, |hidden| {
            pool(self.pooling, hidden, self.width)
        })
    }

    fn hidden_states(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>, EmbedError> {
        self.compute(texts, QueryRows::All, <[f32]>::to_vec)
    }
}

/// Divides texts into groups of about [`TOKENS_PER_GROUP`] tokens, if they are enough for all
/// threads; else returns one group.
fn groups<'a, 'b>(texts: &'a [&'b [u32]], threads: usize) -> Vec<&'a [&'b [u32]]> {
    let tokens: usize = texts.iter().map(|ids| ids.len()).sum();
    if tokens < threads * TOKENS_PER_GROUP {
        return vec![texts];
    }
    let mut groups = Vec::new();
    let (mut first, mut tokens) = (0, 0);
    for (index, ids) in texts.iter().enumerate() {
        if tokens > 0 && tokens + ids.len() > TOKENS_PER_GROUP {
            groups.push(&texts[first..index]);
            (first, tokens) = (index, 0);
        }
        tokens += ids.len();
    }
    groups.push(&texts[first..]);
    groups
}
