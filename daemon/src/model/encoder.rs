//! The loaded module at work: batches of token ids in, vectors of unit length out.

use std::time::Instant;

use burn::tensor::Device;
use gte_shared::wire::Pooling;
use rayon::ThreadPool;

use super::bert::{Bert, Packed};
use super::config::BertConfig;
use super::error::ModelError;
use super::fused::Fused;
use super::pooling::pool;
use crate::engine::{Embed, EmbedError};
use crate::weights::{self, Times, Weights};

/// A module with its weights and the threads to run it on.
///
/// The threads share each operation of a batch out among themselves, so that every weight is read
/// from memory once a batch: for the few rows of a pair, reading weights is what takes the time.
pub struct Encoder {
    network: Fused,
    pooling: Pooling,
    width: usize,
    device: Device,
    pool: ThreadPool,
}

/// Where the model computes.
///
/// burn-ndarray is deprecated by its authors in favour of burn-flex (`Device::flex()`, the same
/// model code); it stays the default as long as the fused operations are written for it.
#[expect(deprecated, reason = "chosen on purpose, see above")]
fn device() -> Device {
    Device::ndarray()
}

impl Encoder {
    /// Makes the module and loads `weights` into it; says where the time went.
    ///
    /// # Errors
    ///
    /// If the weights do not fit the sizes, or the threads cannot be started.
    pub fn load(
        config: &BertConfig,
        pooling: Pooling,
        weights: Weights,
        threads: usize,
    ) -> Result<(Self, Times), ModelError> {
        let device = device();
        let mut bert = Bert::init(config, &device);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("gte-compute-{index}"))
            .build()?;
        let mut times = pool.install(|| weights::load(&mut bert, weights))?;
        let start = Instant::now();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "1e-12 is one of f32 as well"
        )]
        let epsilon = config.layer_norm_eps as f32;
        let network = pool.install(|| Fused::pack(bert, epsilon))?;
        times.pack += start.elapsed();
        let encoder = Self {
            network,
            pooling,
            width: config.hidden_size,
            device,
            pool,
        };
        Ok((encoder, times))
    }

    /// Hidden states of the last layer for one text, `[tokens, hidden]` row by row.
    ///
    /// # Errors
    ///
    /// If the computation fails.
    pub fn hidden_states(&self, ids: &[u32]) -> Result<Vec<f32>, EmbedError> {
        self.run(&[ids])
    }

    /// Hidden states of several texts laid end to end, `[tokens, hidden]` row by row.
    fn run(&self, texts: &[&[u32]]) -> Result<Vec<f32>, EmbedError> {
        let batch = Packed {
            ids: texts.concat(),
            lengths: texts.iter().map(|ids| ids.len()).collect(),
        };
        let hidden = self
            .pool
            .install(|| self.network.forward(&batch, &self.device))
            .map_err(|error| EmbedError(error.to_string()))?;
        hidden
            .into_data()
            .try_into_vec()
            .map_err(|error| EmbedError(error.to_string()))
    }
}

impl Embed for Encoder {
    fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    fn embed(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let hidden = self.run(texts)?;
        let mut rest = hidden.as_slice();
        let mut vectors = Vec::with_capacity(texts.len());
        for ids in texts {
            let (own, after) = rest
                .split_at_checked(ids.len() * self.width)
                .ok_or_else(|| EmbedError("fewer hidden states than tokens".to_owned()))?;
            rest = after;
            vectors.push(pool(self.pooling, own, self.width));
        }
        Ok(vectors)
    }
}
