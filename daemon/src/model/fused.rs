//! The encoder as it computes: the same network as [`Bert`], its linear layers packed and its
//! operations fused.

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::nn::{LayerNorm, Linear};
use burn::tensor::{Device, Tensor};
use rayon::prelude::*;

use super::bert::{Bert, Embeddings, Layer, Packed};
use super::ops::{self, Norm, OpError, PackedLinear};

/// The whole encoder: token ids in, hidden states out.
#[derive(Module, Debug)]
pub(super) struct Fused {
    embeddings: Embeddings,
    layers: Vec<FusedLayer>,
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
    /// Queries, keys and values in one.
    qkv: PackedLinear,
    output: PackedLinear,
    attention_norm: Norm,
    expand: PackedLinear,
    contract: PackedLinear,
    norm: Norm,
    heads: usize,
}

impl Fused {
    /// Packs a loaded module, with the threads of the pool that this is called in. Each weight is let
    /// go as soon as it is packed. `epsilon` is what its layer normalisations add to the variance.
    ///
    /// # Errors
    ///
    /// If the module's numbers are not f32.
    pub(super) fn pack(bert: Bert, epsilon: f32) -> Result<Self, OpError> {
        let layers = bert.layers.into_par_iter();
        let layers = layers.map(|layer| FusedLayer::pack(layer, epsilon));
        Ok(Self {
            layers: layers.collect::<Result<_, _>>()?,
            embeddings: bert.embeddings,
        })
    }

    /// Hidden states of the last layer, `[tokens, hidden]`.
    ///
    /// # Errors
    ///
    /// If a tensor is not of this process's memory.
    pub(super) fn forward(&self, batch: &Packed, device: &Device) -> Result<Tensor<2>, OpError> {
        let mut hidden = self.embeddings.forward(batch, device);
        for layer in &self.layers {
            hidden = layer.forward(hidden, &batch.lengths)?;
        }
        Ok(hidden)
    }
}

impl FusedLayer {
    fn pack(layer: Layer, epsilon: f32) -> Result<Self, OpError> {
        let (attention, feed_forward) = (layer.attention, layer.feed_forward);
        let parts = Parts {
            qkv: side_by_side([attention.query, attention.key, attention.value])?,
            output: side_by_side([attention.output])?,
            attention_norm: norm(attention.norm, epsilon)?,
            expand: side_by_side([feed_forward.expand])?,
            contract: side_by_side([feed_forward.contract])?,
            norm: norm(feed_forward.norm, epsilon)?,
            heads: attention.heads,
        };
        Ok(Self {
            parts: Arc::new(parts),
        })
    }

    fn forward(&self, hidden: Tensor<2>, lengths: &[usize]) -> Result<Tensor<2>, OpError> {
        let parts = &self.parts;
        let qkv = ops::linear(hidden.clone(), &parts.qkv)?;
        let context = ops::attention(qkv, lengths, parts.heads)?;
        let hidden = ops::linear_add_norm(context, &parts.output, hidden, &parts.attention_norm)?;
        let inner = ops::linear_gelu(hidden.clone(), &parts.expand)?;
        ops::linear_add_norm(inner, &parts.contract, hidden, &parts.norm)
    }
}

/// Packs linear layers of the same input into one, their outputs beside each other.
fn side_by_side<const N: usize>(layers: [Linear; N]) -> Result<PackedLinear, OpError> {
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
    if let [(weight, _)] = weights.as_slice() {
        return Ok(PackedLinear::new(weight, bias));
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
    Ok(PackedLinear::new(&weight, bias))
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
        let fused = Fused::pack(bert.clone(), 1e-12).unwrap();
        let mut ours = fused.embeddings.forward(&batch, &device);
        for (layer, fused) in bert.layers.iter().zip(&fused.layers) {
            let attended = layer.attention.forward(plain, &batch.lengths);
            plain = layer.feed_forward.forward(attended);
            ours = fused.forward(ours, &batch.lengths).unwrap();
            let difference = (plain.clone() - ours.clone()).abs().max();
            let furthest: f32 = difference.into_scalar();
            assert!(furthest < 1e-5, "{furthest}");
        }
        let whole = fused.forward(&batch, &device).unwrap();
        assert_eq!(whole.into_data(), ours.into_data());
    }
}
