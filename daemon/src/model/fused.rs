//! The fused network: BERT with packed linear layers and fused operations.
//!
//! The texts of a batch are concatenated, `[tokens, hidden]`, without padding: every linear layer
//! and layer normalization works on all tokens at once, and only attention works text by text. So
//! no mask is needed, and the vector of a text does not depend on the other texts.
//!
//! Devlin et al. 2018, "BERT: Pre-training of Deep Bidirectional Transformers for Language
//! Understanding", with post-layer normalization and the exact GELU. Tests compare it with the same
//! network in the modules and operations of Burn, see `bert`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use burn::module::Module;
use burn::tensor::{Int, Tensor};
use gte_kernels::{
    Attention, Cpu, LayerNorm, PackedLinear, QuantizedActivations, QueryRows, WeightMemory,
};
use gte_shared::wire::Precision;
use rayon::prelude::*;

use super::config::BertConfig;
use super::embedding::EmbeddingLayer;
use super::error::ModelError;
use super::extension::{OpError, tensor, update, with_rows};
use super::packing::{pack_linear, pack_norm, weight_memory};
use crate::weights::Tensors;

/// A batch of concatenated texts.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// Token ids of all texts, `[tokens]`.
    pub(super) ids: Vec<u32>,
    /// Length of each text in tokens; the sum is the length of `ids`.
    pub(super) lengths: Vec<usize>,
}

/// The fused network: token ids in, hidden states out.
#[derive(Module, Debug)]
pub(super) struct Fused {
    #[module(skip)]
    embedding: Arc<EmbeddingLayer>,
    layers: Vec<FusedLayer>,
    /// Scratch memory that no thread uses now.
    #[module(skip)]
    scratch_pool: Arc<Mutex<Vec<Scratch>>>,
}

/// One encoder layer.
#[derive(Module, Debug)]
struct FusedLayer {
    #[module(skip)]
    weights: Arc<LayerWeights>,
}

/// Packed weights of a layer.
#[derive(Debug)]
struct LayerWeights {
    /// Projection to queries, keys and values, side by side: `[hidden, 3 × hidden]`.
    qkv: PackedLinear,
    attention: Attention,
    output: PackedLinear,
    attention_norm: LayerNorm,
    up: PackedLinear,
    down: PackedLinear,
    norm: LayerNorm,
}

/// Memory for the intermediate results of a layer, reused by the next layers and batches.
#[derive(Debug, Default)]
struct Scratch {
    qkv: Vec<f32>,
    context: Vec<f32>,
    inner: Vec<f32>,
    activations: QuantizedActivations,
}

impl Fused {
    /// Packs the weights of a model, with the threads of the current pool.
    pub(super) fn load(
        config: &BertConfig,
        tensors: Tensors,
        precision: Precision,
    ) -> Result<Self, ModelError> {
        let cpu = Cpu::detect();
        let layers = (0..config.num_hidden_layers).into_par_iter();
        let memory = weight_memory(cpu, precision, config);
        let layers =
            layers.map(|layer| FusedLayer::pack(cpu, &memory, config, &tensors, layer, precision));
        Ok(Self {
            layers: layers.collect::<Result<_, _>>()?,
            embedding: Arc::new(EmbeddingLayer::load(tensors, config.epsilon())?),
            scratch_pool: Arc::default(),
        })
    }

    /// Computes the hidden states of the last layer: of all tokens, `[tokens, hidden]`, or of the
    /// first token of each text, `[texts, hidden]`, which is less work.
    pub(super) fn forward(&self, batch: &Batch, queries: QueryRows) -> Result<Tensor<2>, OpError> {
        let hidden = self.embedding.forward(&batch.ids, &batch.lengths)?;
        let mut hidden = tensor(hidden, self.embedding.width());
        let mut scratch = self.scratch_pool().pop().unwrap_or_default();
        let last = self.layers.len().saturating_sub(1);
        for (index, layer) in self.layers.iter().enumerate() {
            let layer_queries = if index == last {
                queries
            } else {
                QueryRows::All
            };
            hidden = layer.forward(hidden, &batch.lengths, layer_queries, &mut scratch)?;
        }
        self.scratch_pool().push(scratch);
        Ok(hidden)
    }

    fn scratch_pool(&self) -> MutexGuard<'_, Vec<Scratch>> {
        // A panic elsewhere cannot spoil scratch memory: every layer overwrites its contents.
        let pool = self.scratch_pool.lock();
        pool.unwrap_or_else(PoisonError::into_inner)
    }
}

impl FusedLayer {
    fn pack(
        cpu: Cpu,
        memory: &WeightMemory,
        config: &BertConfig,
        tensors: &Tensors,
        layer: usize,
        precision: Precision,
    ) -> Result<Self, ModelError> {
        let linear = |parts: &[&str]| {
            let names = parts.iter().map(|part| format!("layers.{layer}.{part}"));
            pack_linear(
                cpu,
                memory,
                precision,
                tensors,
                &names.collect::<Vec<String>>(),
            )
        };
        let norm = |part| pack_norm(tensors, &format!("layers.{layer}.{part}"), config.epsilon());
        let weights = LayerWeights {
            qkv: linear(&["attention.query", "attention.key", "attention.value"])?,
            attention: Attention::new(cpu, config.num_attention_heads),
            output: linear(&["attention.output"])?,
            attention_norm: norm("attention.norm")?,
            up: linear(&["feed_forward.up"])?,
            down: linear(&["feed_forward.down"])?,
            norm: norm("feed_forward.norm")?,
        };
        Ok(Self {
            weights: Arc::new(weights),
        })
    }

    fn forward(
        &self,
        hidden: Tensor<2>,
        lengths: &[usize],
        queries: QueryRows,
        scratch: &mut Scratch,
    ) -> Result<Tensor<2>, OpError> {
        let weights = &self.weights;
        with_rows(&hidden, |hidden| {
            weights.attend(hidden, lengths, queries, scratch)
        })?;
        let hidden = match queries {
            QueryRows::All => hidden,
            QueryRows::First => cls_rows(hidden, lengths),
        };
        update(hidden, |hidden| weights.finish(hidden, scratch))
    }
}

/// Selects the row of the first token, `[CLS]`, of each text: `[texts, hidden]`.
fn cls_rows(hidden: Tensor<2>, lengths: &[usize]) -> Tensor<2> {
    let mut next = 0;
    let rows = lengths.iter().map(|tokens| {
        let first = next;
        next += tokens;
        i64::try_from(first).unwrap_or(i64::MAX)
    });
    let rows: Vec<i64> = rows.collect();
    let device = hidden.device();
    hidden.select(0, Tensor::<1, Int>::from_data(rows.as_slice(), &device))
}

impl LayerWeights {
    /// Computes the attention of the queries into `scratch.context`: `[queries, hidden]`.
    fn attend(
        &self,
        hidden: &[f32],
        lengths: &[usize],
        queries: QueryRows,
        scratch: &mut Scratch,
    ) -> Result<(), OpError> {
        let Scratch {
            qkv,
            context,
            activations,
            ..
        } = scratch;
        let width = self.output.outputs();
        let tokens = hidden.len().checked_div(width).unwrap_or(0);
        qkv.resize(tokens * 3 * width, 0.0);
        self.qkv.forward(hidden, activations, qkv)?;
        let query_rows: usize = lengths.iter().map(|tokens| queries.count(*tokens)).sum();
        context.resize(query_rows * width, 0.0);
        Ok(self.attention.forward(qkv, lengths, queries, context)?)
    }

    /// Computes the rest of the layer in place: output projection, feed-forward network, and both
    /// layer normalizations.
    fn finish(&self, hidden: &mut [f32], scratch: &mut Scratch) -> Result<(), OpError> {
        let Scratch {
            context,
            inner,
            activations,
            ..
        } = scratch;
        self.output.forward_residual(context, activations, hidden)?;
        self.attention_norm.forward(hidden)?;
        let rows = hidden.len().checked_div(self.output.outputs()).unwrap_or(0);
        inner.resize(rows * self.up.outputs(), 0.0);
        self.up.forward_gelu(hidden, activations, inner)?;
        self.down.forward_residual(inner, activations, hidden)?;
        Ok(self.norm.forward(hidden)?)
    }
}

#[cfg(test)]
#[expect(deprecated, reason = "see the extension's tensors")]
mod tests {
    use burn::tensor::Device;

    use super::super::bert::Bert;
    use super::*;

    #[test]
    fn every_layer_matches_plain_operations() {
        let config = r#"{"vocab_size":50,"hidden_size":48,"num_hidden_layers":3,
            "num_attention_heads":4,"intermediate_size":112,"max_position_embeddings":64,
            "type_vocab_size":2,"layer_norm_eps":1e-12,"hidden_act":"gelu","model_type":"bert"}"#;
        let config = BertConfig::parse(config.as_bytes()).unwrap();
        let device = Device::ndarray();
        let bert = Bert::init(&config, &device);
        // One token, a handful, and more than any block of the multiplication has rows.
        let lengths = vec![1, 7, 64, 2, 33];
        let ids = (0..107).map(|id| id * 7 % 50).collect();
        let batch = Batch { ids, lengths };
        let mut plain = bert.embeddings.forward(&batch.ids, &batch.lengths, &device);
        let tensors = Tensors::of(bert.tensors(), &config.tensors()).unwrap();
        let fused = Fused::load(&config, tensors, Precision::F32).unwrap();
        let ours = fused.embedding.forward(&batch.ids, &batch.lengths).unwrap();
        let mut ours = tensor(ours, config.hidden_size);
        let difference: f32 = (plain.clone() - ours.clone()).abs().max().into_scalar();
        assert!(difference < 1e-5, "{difference}");
        let mut scratch = Scratch::default();
        for (layer, fused) in bert.layers.iter().zip(&fused.layers) {
            let attended = layer.attention.forward(plain, &batch.lengths);
            plain = layer.feed_forward.forward(attended);
            ours = fused
                .forward(ours, &batch.lengths, QueryRows::All, &mut scratch)
                .unwrap();
            let difference = (plain.clone() - ours.clone()).abs().max();
            let difference: f32 = difference.into_scalar();
            assert!(difference < 1e-5, "{difference}");
        }
        let whole = fused.forward(&batch, QueryRows::All).unwrap();
        assert_eq!(whole.into_data(), ours.into_data());
    }
}
