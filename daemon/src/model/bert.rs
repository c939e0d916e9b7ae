//! BERT as a Burn module: embeddings and encoder layers, without the pooler.
//!
//! Texts are laid end to end, `[tokens, hidden]`, without padding: every linear layer and LayerNorm
//! works on all tokens at once, and only attention looks at one text at a time. So no mask is
//! needed, no work is done for nothing, and what a text becomes does not depend on its neighbours.
//!
//! Devlin et al. 2018, "BERT: Pre-training of Deep Bidirectional Transformers for Language
//! Understanding", with post-layer normalisation and the exact GELU.

use burn::module::Module;
use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::{gelu, softmax};
use burn::tensor::{Device, Int, Tensor};

use super::config::BertConfig;

/// The whole encoder: token ids in, hidden states out.
#[derive(Module, Debug)]
pub struct Bert {
    pub(super) embeddings: Embeddings,
    pub(super) layers: Vec<Layer>,
}

/// Word, position and token-type embeddings, added and normalised.
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

/// Self-attention with its residual connection and normalisation.
#[derive(Module, Debug)]
pub(super) struct Attention {
    pub(super) query: Linear,
    pub(super) key: Linear,
    pub(super) value: Linear,
    pub(super) output: Linear,
    pub(super) norm: LayerNorm,
    pub(super) heads: usize,
}

/// The two-layer network with its residual connection and normalisation.
#[derive(Module, Debug)]
pub(super) struct FeedForward {
    pub(super) expand: Linear,
    pub(super) contract: Linear,
    pub(super) norm: LayerNorm,
}

/// A batch of texts laid end to end.
#[derive(Clone, Debug)]
pub struct Packed {
    /// Token ids of all texts, `[tokens]`.
    pub ids: Vec<u32>,
    /// Length of each text in tokens; they add up to the length of `ids`.
    pub lengths: Vec<usize>,
}

impl Bert {
    /// A module of the given sizes, its weights still to be loaded.
    #[must_use]
    pub fn init(config: &BertConfig, device: &Device) -> Self {
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
                        expand: linear(hidden, inner),
                        contract: linear(inner, hidden),
                        norm: norm.init(device),
                    },
                })
                .collect(),
        }
    }

    /// Hidden states of the last layer, `[tokens, hidden]`.
    #[must_use]
    pub fn forward(&self, batch: &Packed, device: &Device) -> Tensor<2> {
        let mut hidden = self.embeddings.forward(batch, device);
        for layer in &self.layers {
            hidden = layer
                .feed_forward
                .forward(layer.attention.forward(hidden, &batch.lengths));
        }
        hidden
    }
}

impl Embeddings {
    pub(super) fn forward(&self, batch: &Packed, device: &Device) -> Tensor<2> {
        let words: Vec<i64> = batch.ids.iter().map(|id| i64::from(*id)).collect();
        let positions: Vec<i64> = batch
            .lengths
            .iter()
            .flat_map(|length| 0..i64::try_from(*length).unwrap_or(i64::MAX))
            .collect();
        let look_up = |table: &Embedding, ids: &[i64]| -> Tensor<2> {
            let ids = Tensor::<1, Int>::from_data(ids, device).unsqueeze();
            table.forward(ids).squeeze_dim(0)
        };
        // One text a sequence: every token is of type 0.
        let token_type: Tensor<2> = look_up(&self.token_type_embeddings, &[0]);
        let sum = look_up(&self.word_embeddings, &words)
            + look_up(&self.position_embeddings, &positions)
            + token_type;
        self.norm.forward(sum)
    }
}

impl Attention {
    pub(super) fn forward(&self, hidden: Tensor<2>, lengths: &[usize]) -> Tensor<2> {
        let query = self.query.forward(hidden.clone());
        let key = self.key.forward(hidden.clone());
        let value = self.value.forward(hidden.clone());
        let mut start = 0;
        let contexts = lengths
            .iter()
            .map(|length| {
                let rows = start..start + length;
                start += length;
                self.attend(
                    query.clone().slice([rows.clone()]),
                    key.clone().slice([rows.clone()]),
                    value.clone().slice([rows]),
                )
            })
            .collect();
        let context = Tensor::cat(contexts, 0);
        self.norm.forward(self.output.forward(context) + hidden)
    }

    /// Scaled dot-product attention within one text: `[tokens, hidden]` three times in, once out.
    fn attend(&self, query: Tensor<2>, key: Tensor<2>, value: Tensor<2>) -> Tensor<2> {
        let [tokens, hidden] = query.dims();
        let head = hidden / self.heads;
        // [tokens, hidden] → [heads, tokens, head]
        let by_head = |tensor: Tensor<2>| -> Tensor<3> {
            tensor.reshape([tokens, self.heads, head]).swap_dims(0, 1)
        };
        #[expect(clippy::cast_precision_loss, reason = "a head has dozens of numbers")]
        let scale = (head as f32).sqrt().recip();
        let scores = by_head(query).matmul(by_head(key).transpose()) * scale;
        softmax(scores, 2)
            .matmul(by_head(value))
            .swap_dims(0, 1)
            .reshape([tokens, hidden])
    }
}

impl FeedForward {
    pub(super) fn forward(&self, hidden: Tensor<2>) -> Tensor<2> {
        let inner = gelu(self.expand.forward(hidden.clone()));
        self.norm.forward(self.contract.forward(inner) + hidden)
    }
}
