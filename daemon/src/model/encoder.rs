//! The loaded module at work: batches of token ids in, vectors of unit length out.

use std::time::Instant;

use burn::tensor::Device;
use gte_shared::wire::{Pooling, Precision};
use rayon::ThreadPool;
use rayon::prelude::*;

use super::bert::{Bert, Packed};
use super::config::BertConfig;
use super::error::ModelError;
use super::fused::Fused;
use super::ops::{Cpu, Peak, Queries};
use super::pooling::pool;
use crate::engine::{Embed, EmbedError};
use crate::weights::{self, Times, Weights};

/// What a model is computed with.
#[derive(Clone, Copy, Debug)]
pub struct Compute {
    /// Threads.
    pub threads: usize,
    /// The type that linear layers multiply in.
    pub precision: Precision,
}

impl Compute {
    /// To hold a model against what is known of it.
    pub const REFERENCE: Self = Self {
        threads: 1,
        precision: Precision::F32,
    };

    /// The precision to use where nobody says: int8 where this CPU is faster in it than in f32.
    #[must_use]
    pub fn best_precision() -> Precision {
        if Cpu::detect().is_fast_in_int8() {
            Precision::Int8
        } else {
            Precision::F32
        }
    }
}

/// A module with its weights and the threads to run it on.
pub struct Encoder {
    network: Fused,
    pooling: Pooling,
    width: usize,
    pool: ThreadPool,
}

/// Tokens of a group that goes through the network by itself.
///
/// Enough rows for the products to run at full speed, and so few that what becomes of them between two
/// products stays in the caches of a core.
const GROUP: usize = 256;

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
        compute: Compute,
    ) -> Result<(Self, Times), ModelError> {
        let device = device();
        let mut bert = Bert::init(config, &device);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(compute.threads)
            .thread_name(|index| format!("gte-compute-{index}"))
            .build()?;
        let words = [config.vocab_size, config.hidden_size];
        let loaded = pool.install(|| weights::load(&mut bert, words, weights));
        let (words, mut times) = loaded?;
        let start = Instant::now();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "1e-12 is one of f32 as well"
        )]
        let epsilon = config.layer_norm_eps as f32;
        let network = pool.install(|| Fused::pack(bert, words, epsilon, compute.precision))?;
        times.pack += start.elapsed();
        let encoder = Self {
            network,
            pooling,
            width: config.hidden_size,
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
        self.pool.install(|| self.run(&[ids], Queries::All))
    }

    /// Hidden states of several texts laid end to end, row by row.
    fn run(&self, texts: &[&[u32]], wanted: Queries) -> Result<Vec<f32>, EmbedError> {
        let batch = Packed {
            ids: texts.concat(),
            lengths: texts.iter().map(|ids| ids.len()).collect(),
        };
        let hidden = self
            .network
            .forward(&batch, wanted)
            .map_err(|error| EmbedError(error.to_string()))?;
        hidden
            .into_data()
            .try_into_vec()
            .map_err(|error| EmbedError(error.to_string()))
    }

    /// Which hidden states the pooling wants.
    fn wanted(&self) -> Queries {
        match self.pooling {
            Pooling::Cls => Queries::First,
            Pooling::Mean => Queries::All,
        }
    }

    /// Multiplications and additions in the matrix products that these texts take.
    #[must_use]
    pub fn operations(&self, texts: &[&[u32]]) -> usize {
        let lengths: Vec<usize> = texts.iter().map(|ids| ids.len()).collect();
        self.network.operations(&lengths, self.wanted())
    }

    /// What the machine can do at most with the encoder's threads, which it takes a second to find out.
    #[must_use]
    pub fn peak(&self) -> Peak {
        Peak::measure(Cpu::detect(), &self.pool)
    }

    /// The vectors of a group of texts.
    fn embed_group(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let wanted = self.wanted();
        let hidden = self.run(texts, wanted)?;
        let mut rest = hidden.as_slice();
        let mut vectors = Vec::with_capacity(texts.len());
        for ids in texts {
            let (own, after) = rest
                .split_at_checked(wanted.of(ids.len()) * self.width)
                .ok_or_else(|| EmbedError("fewer hidden states than tokens".to_owned()))?;
            rest = after;
            let vector = pool(self.pooling, own, self.width);
            // Weights that are not numbers, or too large, would give a score all the same.
            if !vector.iter().all(|number| number.is_finite()) {
                return Err(EmbedError(
                    "what it gives are no numbers: its weights are too large or broken".to_owned(),
                ));
            }
            vectors.push(vector);
        }
        Ok(vectors)
    }
}

impl Embed for Encoder {
    fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Where there are many texts, each thread takes groups of them through the whole network. Where there
    /// are few, the threads share each operation out among themselves, so that every weight is read from
    /// memory once: for the few rows of a pair, that is what takes the time.
    fn embed(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let groups = groups(texts, self.threads());
        let vectors = self.pool.install(|| {
            let groups = groups.par_iter().with_max_len(1);
            let vectors = groups.map(|group| self.embed_group(group));
            vectors.collect::<Result<Vec<_>, _>>()
        })?;
        Ok(vectors.concat())
    }
}

/// Divides texts into groups of about [`GROUP`] tokens, if there are enough for all threads.
fn groups<'a, 'b>(texts: &'a [&'b [u32]], threads: usize) -> Vec<&'a [&'b [u32]]> {
    let tokens: usize = texts.iter().map(|ids| ids.len()).sum();
    if tokens < threads * GROUP {
        return vec![texts];
    }
    let mut groups = Vec::new();
    let (mut first, mut tokens) = (0, 0);
    for (index, ids) in texts.iter().enumerate() {
        if tokens > 0 && tokens + ids.len() > GROUP {
            groups.push(&texts[first..index]);
            (first, tokens) = (index, 0);
        }
        tokens += ids.len();
    }
    groups.push(&texts[first..]);
    groups
}
