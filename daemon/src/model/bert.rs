//! BERT as a Burn module: embeddings and encoder layers, without the pooler.
//!
//! The texts of a batch are concatenated, `[tokens, hidden]`, without padding: every linear layer
//! and layer normalization works on all tokens at once, and only attention works text by text. So
//! no mask is needed, and the vector of a text does not depend on the other texts.
//!
//! Devlin et al. 2018, "BERT: Pre-training of Deep Bidirectional Transformers for Language
//! Understanding", with post-layer normalization and the exact GELU.

use burn::module::Module;
use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::Device;

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
}
