//! The encoder as it computes: the same network as [`Bert`], its linear layers packed and its
//! operations fused.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::module::{Module, Param};
use burn::nn::{LayerNorm, Linear};
use burn::tensor::{Int, Tensor};
use gte_shared::wire::Precision;
use rayon::prelude::*;

use super::bert::{Bert, Embeddings, Layer, Packed};
use super::ops::{self, Cpu, Lookup, Norm, OpError, PackedLinear, Quantised, Queries};
use crate::weights::Table;

/// The whole encoder: token ids in, hidden states out.
#[derive(Module, Debug)]
pub(super) struct Fused {
    #[module(skip)]
    lookup: Arc<Lookup>,
    layers: Vec<FusedLayer>,
    /// Those that no thread is in.
    #[module(skip)]
    rooms: Arc<Mutex<Vec<Room>>>,
}

/// One encoder layer.
#[derive(Module, Debug)]
struct FusedLayer {
    #[module(skip)]
    parts: Arc<Parts>,
}

/// What a layer multiplies with and normalises by.
#[derive(Debug)]
struct Parts {
    cpu: Cpu,
    /// Queries, keys and values in one.
    qkv: PackedLinear,
    output: PackedLinear,
    attention_norm: Norm,
    expand: PackedLinear,
    contract: PackedLinear,
    norm: Norm,
    heads: usize,
}

/// Room for what a batch becomes on its way through a layer, kept from one layer and one batch to the next.
#[derive(Debug, Default)]
struct Room {
    qkv: Vec<f32>,
    context: Vec<f32>,
    inner: Vec<f32>,
    bytes: Quantised,
}

impl Fused {
    /// Packs a loaded module, with the threads of the pool that this is called in. Each weight is let
    /// go as soon as it is packed. `epsilon` is what its layer normalisations add to the variance.
    ///
    /// # Errors
    ///
    /// If the module's numbers are not f32.
    pub(super) fn pack(
        bert: Bert,
        words: Table,
        epsilon: f32,
        precision: Precision,
    ) -> Result<Self, OpError> {
        let cpu = Cpu::detect();
        let layers = bert.layers.into_par_iter();
        let layers = layers.map(|layer| FusedLayer::pack(cpu, layer, epsilon, precision));
        Ok(Self {
            layers: layers.collect::<Result<_, _>>()?,
            lookup: Arc::new(lookup(bert.embeddings, words, epsilon)?),
            rooms: Arc::default(),
        })
    }

    /// Hidden states of the last layer: of all tokens, `[tokens, hidden]`, or of the first of each text,
    /// `[texts, hidden]`, which is less work.
    ///
    /// # Errors
    ///
    /// If a tensor is not of this process's memory.
    pub(super) fn forward(&self, batch: &Packed, wanted: Queries) -> Result<Tensor<2>, OpError> {
        let hidden = self.lookup.forward(&batch.ids, &batch.lengths)?;
        let mut hidden = ops::tensor(hidden, self.lookup.words.width());
        let mut room = self.rooms().pop().unwrap_or_default();
        let last = self.layers.len().saturating_sub(1);
        for (index, layer) in self.layers.iter().enumerate() {
            let queries = if index == last { wanted } else { Queries::All };
            hidden = layer.forward(hidden, &batch.lengths, queries, &mut room)?;
        }
        self.rooms().push(room);
        Ok(hidden)
    }

    /// Multiplications and additions in the matrix products of [`forward`](Self::forward).
    pub(super) fn operations(&self, lengths: &[usize], wanted: Queries) -> usize {
        let last = self.layers.len().saturating_sub(1);
        let of_layer = |(index, layer): (usize, &FusedLayer)| {
            let queries = if index == last { wanted } else { Queries::All };
            layer.parts.operations(lengths, queries)
        };
        self.layers.iter().enumerate().map(of_layer).sum()
    }

    fn rooms(&self) -> MutexGuard<'_, Vec<Room>> {
        // What is in a room is forgotten anyway.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FusedLayer {
    fn pack(cpu: Cpu, layer: Layer, epsilon: f32, precision: Precision) -> Result<Self, OpError> {
        let (attention, feed_forward) = (layer.attention, layer.feed_forward);
        let pack = |(weight, bias): (Vec<f32>, Vec<f32>)| {
            PackedLinear::pack(cpu, precision, &weight, bias)
        };
        let parts = Parts {
            cpu,
            qkv: pack(side_by_side([
                attention.query,
                attention.key,
                attention.value,
            ])?),
            output: pack(side_by_side([attention.output])?),
            attention_norm: norm(attention.norm, epsilon)?,
            expand: pack(side_by_side([feed_forward.expand])?),
            contract: pack(side_by_side([feed_forward.contract])?),
            norm: norm(feed_forward.norm, epsilon)?,
            heads: attention.heads,
        };
        Ok(Self {
            parts: Arc::new(parts),
        })
    }

    fn forward(
        &self,
        hidden: Tensor<2>,
        lengths: &[usize],
        queries: Queries,
        room: &mut Room,
    ) -> Result<Tensor<2>, OpError> {
        let parts = &self.parts;
        ops::with_rows(&hidden, |hidden| {
            parts.attend(hidden, lengths, queries, room)
        })?;
        let hidden = match queries {
            Queries::All => hidden,
            Queries::First => firsts(hidden, lengths),
        };
        ops::update(hidden, |hidden| parts.finish(hidden, room))
    }
}

/// The first token's row of each text.
fn firsts(hidden: Tensor<2>, lengths: &[usize]) -> Tensor<2> {
    let mut next = 0;
    let firsts = lengths.iter().map(|tokens| {
        let first = next;
        next += tokens;
        i64::try_from(first).unwrap_or(i64::MAX)
    });
    let firsts: Vec<i64> = firsts.collect();
    let device = hidden.device();
    hidden.select(0, Tensor::<1, Int>::from_data(firsts.as_slice(), &device))
}

impl Parts {
    fn operations(&self, lengths: &[usize], queries: Queries) -> usize {
        let asking: usize = lengths.iter().map(|tokens| queries.of(*tokens)).sum();
        // Each query with each key, and each weight with each value.
        let attention = |tokens: &usize| 4 * tokens * queries.of(*tokens) * self.output.outputs();
        let layers = [&self.output, &self.expand, &self.contract];
        let linear: usize = layers.iter().map(|layer| layer.operations(asking)).sum();
        let attention: usize = lengths.iter().map(attention).sum();
        self.qkv.operations(lengths.iter().sum()) + attention + linear
    }

    /// What the tokens that ask take in from their text, before it is added to them: into `room.context`.
    fn attend(
        &self,
        hidden: &[f32],
        lengths: &[usize],
        queries: Queries,
        room: &mut Room,
    ) -> Result<(), OpError> {
        let width = self.output.outputs();
        let tokens = hidden.len() / width;
        room.qkv.resize(tokens * 3 * width, 0.0);
        self.qkv.forward(hidden, &mut room.bytes, &mut room.qkv)?;
        let asking: usize = lengths.iter().map(|tokens| queries.of(*tokens)).sum();
        room.context.resize(asking * width, 0.0);
        let (cpu, qkv, context) = (self.cpu, &room.qkv, &mut room.context);
        ops::attend(cpu, qkv, lengths, self.heads, queries, context)
    }

    /// The rest of the layer, in place.
    fn finish(&self, hidden: &mut [f32], room: &mut Room) -> Result<(), OpError> {
        let Room {
            context,
            inner,
            bytes,
            ..
        } = room;
        self.output.forward_add(context, bytes, hidden)?;
        self.attention_norm.forward(hidden);
        let rows = hidden.len() / self.output.outputs();
        inner.resize(rows * self.expand.outputs(), 0.0);
        self.expand.forward_gelu(hidden, bytes, inner)?;
        self.contract.forward_add(inner, bytes, hidden)?;
        self.norm.forward(hidden);
        Ok(())
    }
}

/// Weight and bias of linear layers of the same input, their outputs beside each other.
fn side_by_side<const N: usize>(layers: [Linear; N]) -> Result<(Vec<f32>, Vec<f32>), OpError> {
    let mut bias = Vec::new();
    let mut weights = Vec::with_capacity(N);
    for layer in layers {
        let outputs = layer.weight.shape()[1];
        bias.extend(match layer.bias {
            Some(bias) => numbers(bias)?,
            None => vec![0.0; outputs],
        });
        weights.push((numbers(layer.weight)?, outputs));
    }
    let inputs = weights
        .first()
        .map_or(0, |(weight, outputs)| weight.len() / outputs);
    let mut weight = Vec::with_capacity(inputs * bias.len());
    for row in 0..inputs {
        for (own, outputs) in &weights {
            weight.extend_from_slice(&own[row * outputs..][..*outputs]);
        }
    }
    Ok((weight, bias))
}

fn lookup(embeddings: Embeddings, words: Table, epsilon: f32) -> Result<Lookup, OpError> {
    let mut positions = numbers(embeddings.position_embeddings.weight)?;
    let types = numbers(embeddings.token_type_embeddings.weight)?;
    let width = words.width();
    for position in positions.chunks_exact_mut(width.max(1)) {
        for (number, first) in position.iter_mut().zip(&types) {
            *number += first;
        }
    }
    Ok(Lookup {
        words,
        positions,
        norm: norm(embeddings.norm, epsilon)?,
    })
}

fn norm(layer: LayerNorm, epsilon: f32) -> Result<Norm, OpError> {
    let gamma = numbers(layer.gamma)?;
    Ok(Norm {
        beta: match layer.beta {
            Some(beta) => numbers(beta)?,
            None => vec![0.0; gamma.len()],
        },
        gamma,
        epsilon,
    })
}

/// A parameter's numbers, taken out of it.
fn numbers<const D: usize>(parameter: Param<Tensor<D>>) -> Result<Vec<f32>, OpError> {
    let data = parameter.into_value().into_data();
    data.try_into_vec().map_err(|_| OpError::Tensor)
}

#[cfg(test)]
#[expect(deprecated, reason = "see the encoder's device")]
mod tests {
    use super::*;
    use burn::tensor::Device;

    use crate::model::BertConfig;

    const EPSILON: f64 = 1e-12;

    #[test]
    fn every_layer_gives_what_plain_operations_give() {
        let config = r#"{"vocab_size":50,"hidden_size":48,"num_hidden_layers":3,
            "num_attention_heads":4,"intermediate_size":112,"max_position_embeddings":64,
            "type_vocab_size":2,"layer_norm_eps":1e-12,"hidden_act":"gelu","model_type":"bert"}"#;
        let config = BertConfig::parse(config.as_bytes()).unwrap();
        assert!((config.layer_norm_eps - EPSILON).abs() < 1e-15);
        let device = Device::ndarray();
        let bert = Bert::init(&config, &device);
        // One token, a handful, and more than any block of the multiplication has rows.
        let lengths = vec![1, 7, 64, 2, 33];
        let ids = (0..107).map(|id| id * 7 % 50).collect();
        let batch = Packed { ids, lengths };
        let mut plain = bert.embeddings.forward(&batch, &device);
        let words = numbers(bert.embeddings.word_embeddings.weight.clone()).unwrap();
        let words = Table::of(words, config.hidden_size);
        let fused = Fused::pack(bert.clone(), words, 1e-12, Precision::F32).unwrap();
        let ours = fused.lookup.forward(&batch.ids, &batch.lengths).unwrap();
        let mut ours = ops::tensor(ours, config.hidden_size);
        let difference: f32 = (plain.clone() - ours.clone()).abs().max().into_scalar();
        assert!(difference < 1e-5, "{difference}");
        let mut room = Room::default();
        for (layer, fused) in bert.layers.iter().zip(&fused.layers) {
            let attended = layer.attention.forward(plain, &batch.lengths);
            plain = layer.feed_forward.forward(attended);
            ours = fused
                .forward(ours, &batch.lengths, Queries::All, &mut room)
                .unwrap();
            let difference = (plain.clone() - ours.clone()).abs().max();
            let furthest: f32 = difference.into_scalar();
            assert!(furthest < 1e-5, "{furthest}");
        }
        let whole = fused.forward(&batch, Queries::All).unwrap();
        assert_eq!(whole.into_data(), ours.into_data());
    }
}
