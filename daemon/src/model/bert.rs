//! BERT as a Burn module: embeddings and encoder layers, without the pooler. Tests compare the
//! fused network with it.

use burn::module::Module;
use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, TensorData};
use burn_store::{ModuleSnapshot, bridge, burn_pack};

use super::config::BertConfig;

/// The whole encoder.
#[derive(Module, Debug)]
pub(super) struct Bert {
    pub(super) embeddings: Embeddings,
    pub(super) layers: Vec<Layer>,
}

/// Word, position and token-type embeddings, added and normalized.
#[derive(Module, Debug)]
pub(super) struct Embeddings {
    pub(super) word_embeddings: Embedding,
    pub(super) position_embeddings: Embedding,
    pub(super) token_type_embeddings: Embedding,
    pub(super) norm: LayerNorm,
}

/// One encoder layer.
#[derive(Module, Debug)]
pub(super) struct Layer {
    pub(super) attention: Attention,
    pub(super) feed_forward: FeedForward,
}

/// Self-attention with its residual connection and normalization.
#[derive(Module, Debug)]
pub(super) struct Attention {
    pub(super) query: Linear,
    pub(super) key: Linear,
    pub(super) value: Linear,
    pub(super) output: Linear,
    pub(super) norm: LayerNorm,
    pub(super) heads: usize,
}

/// The two-layer network with its residual connection and normalization.
#[derive(Module, Debug)]
pub(super) struct FeedForward {
    pub(super) up: Linear,
    pub(super) down: Linear,
    pub(super) norm: LayerNorm,
}

impl Bert {
    /// Creates a module of the given sizes, without weights yet.
    pub(super) fn init(config: &BertConfig, device: &Device) -> Self {
        let norm = LayerNormConfig::new(config.hidden_size).with_epsilon(config.layer_norm_eps);
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        let embedding = |rows| EmbeddingConfig::new(rows, config.hidden_size).init(device);
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        Self {
            embeddings: Embeddings {
                word_embeddings: embedding(config.vocab_size),
                position_embeddings: embedding(config.max_position_embeddings),
                token_type_embeddings: embedding(config.type_vocab_size),
                norm: norm.init(device),
            },
            layers: (0..config.num_hidden_layers)
                .map(|_| Layer {
                    attention: Attention {
                        query: linear(hidden, hidden),
                        key: linear(hidden, hidden),
                        value: linear(hidden, hidden),
                        output: linear(hidden, hidden),
                        norm: norm.init(device),
                        heads: config.num_attention_heads,
                    },
                    feed_forward: FeedForward {
                        up: linear(hidden, inner),
                        down: linear(inner, hidden),
                        norm: norm.init(device),
                    },
                })
                .collect(),
        }
    }

    /// Lists all tensors as a file has them, linear weights as `[out, in]`.
    pub(super) fn tensors(&self) -> Vec<burn_pack::Tensor> {
        let tensors = self.collect(None, None, false).into_iter();
        tensors.map(transposed_if_linear).collect()
    }
}

/// Transposes the weight of a linear layer, which Burn has as `[in, out]`.
fn transposed_if_linear(tensor: burn_pack::Tensor) -> burn_pack::Tensor {
    let [inputs, outputs] = *tensor.shape else {
        return tensor;
    };
    if !tensor.name.starts_with("layers.") {
        return tensor;
    }
    let (name, dtype) = (tensor.name.clone(), tensor.dtype);
    let values: Vec<f32> = tensor.into_bytes().unwrap().try_into_vec().unwrap();
    let places = (0..outputs).flat_map(|output| (0..inputs).map(move |input| (input, output)));
    let transposed = places.map(|(input, output)| values[input * outputs + output]);
    let data = TensorData::new(transposed.collect::<Vec<f32>>(), [outputs, inputs]);
    let shape = vec![outputs, inputs].into();
    bridge::deferred(name, dtype, shape, None, move || Ok(data.clone()))
}
