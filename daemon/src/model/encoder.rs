//! The loaded module at work: batches of token ids in, vectors of unit length out.

use burn::tensor::Device;
use gte_shared::wire::Pooling;
use rayon::ThreadPool;
use rayon::prelude::*;

use super::bert::{Bert, Packed};
use super::config::BertConfig;
use super::error::ModelError;
use super::pooling::pool;
use crate::engine::{Embed, EmbedError};
use crate::weights::{self, Times, Weights};

/// A module with its weights and the threads to run it on.
///
/// Each thread takes whole texts and runs them through all layers on its own: a pair keeps two
/// cores busy without their ever waiting for each other inside a layer.
pub struct Encoder {
    bert: Bert,
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
        let times = pool.install(|| weights::load(&mut bert, weights))?;
        let encoder = Self {
            bert,
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
        self.bert
            .forward(&batch, &self.device)
            .into_data()
            .try_into_vec()
            .map_err(|error| EmbedError(error.to_string()))
    }

    /// Vectors of some of the texts, each with its place among all.
    fn embed_share(
        &self,
        texts: &[&[u32]],
        share: &[usize],
    ) -> Result<Vec<(usize, Vec<f32>)>, EmbedError> {
        let mine: Vec<&[u32]> = share.iter().map(|place| texts[*place]).collect();
        let hidden = self.run(&mine)?;
        let mut rest = hidden.as_slice();
        let mut vectors = Vec::with_capacity(share.len());
        for (place, ids) in share.iter().zip(&mine) {
            let (own, after) = rest
                .split_at_checked(ids.len() * self.width)
                .ok_or_else(|| EmbedError("fewer hidden states than tokens".to_owned()))?;
            rest = after;
            vectors.push((*place, pool(self.pooling, own, self.width)));
        }
        Ok(vectors)
    }
}

impl Embed for Encoder {
    fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    fn embed(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let shares = share_out(texts, self.threads());
        let computed: Result<Vec<_>, EmbedError> = self.pool.install(|| {
            let shares = shares.par_iter();
            shares.map(|share| self.embed_share(texts, share)).collect()
        });
        let mut vectors = vec![Vec::new(); texts.len()];
        for (place, vector) in computed?.into_iter().flatten() {
            vectors[place] = vector;
        }
        Ok(vectors)
    }
}

/// Divides the texts among the threads, so that each has about the same number of tokens: the
/// longest first, each to whoever has least. Returns the places of each thread's texts.
fn share_out(texts: &[&[u32]], threads: usize) -> Vec<Vec<usize>> {
    let mut places: Vec<usize> = (0..texts.len()).collect();
    places.sort_by_key(|place| std::cmp::Reverse(texts[*place].len()));
    let mut shares = vec![(0, Vec::new()); threads.clamp(1, texts.len().max(1))];
    for place in places {
        if let Some(least) = shares.iter_mut().min_by_key(|(tokens, _)| *tokens) {
            least.0 += texts[place].len();
            least.1.push(place);
        }
    }
    shares.into_iter().map(|(_, places)| places).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_shared_out_once_and_evenly() {
        let texts: [&[u32]; 5] = [&[1; 9], &[1; 2], &[1; 4], &[1; 3], &[1; 2]];
        let shares = share_out(&texts, 2);
        let tokens = |share: &Vec<usize>| share.iter().map(|i| texts[*i].len()).sum::<usize>();
        assert_eq!(shares.iter().map(tokens).collect::<Vec<_>>(), [11, 9]);
        let mut all = shares.concat();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4]);
        assert_eq!(share_out(&texts[..1], 8), [[0]]);
    }
}
