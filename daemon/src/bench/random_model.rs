//! Models of the published shapes with random weights, for measurements without the real models:
//! time and memory do not depend on the values of the weights.

use std::fs;
use std::io;
use std::path::Path;

use half::f16;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError};
use serde_json::json;

use crate::model::{BertConfig, ModelError, Source};
use crate::weights::in_file;

/// Sizes of a published model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    hidden: usize,
    layers: usize,
    heads: usize,
    inner: usize,
}

/// Rows of the word embedding, as in the Chinese models and in the built-in tokenizer.
const VOCABULARY: usize = 21_128;

/// Rows of the position embedding.
const POSITIONS: usize = 512;

/// Half the range of the uniform weights: their standard deviation, range / √12, is then 0.02, as
/// in BERT's initialization (`initializer_range`).
const HALF_RANGE: f32 = 0.035;

impl Shape {
    /// Shape of gte-small-zh.
    pub(crate) const SMALL: Self = Self::new(512, 6, 8, 2048);
    /// Shape of gte-base-zh.
    pub(crate) const BASE: Self = Self::new(768, 12, 12, 3072);
    /// Shape of gte-large-zh.
    pub(crate) const LARGE: Self = Self::new(1024, 24, 16, 4096);

    const fn new(hidden: usize, layers: usize, heads: usize, inner: usize) -> Self {
        Self {
            hidden,
            layers,
            heads,
            inner,
        }
    }

    /// Writes a model of this shape in the Hugging Face layout into a new folder, its weights in
    /// fp16 like the published ones. The same shape gives the same files.
    ///
    /// # Errors
    ///
    /// If the folder exists, or cannot be written.
    pub(crate) fn write(self, folder: &Path) -> Result<(), RandomError> {
        fs::create_dir(folder)?;
        fs::create_dir(folder.join("1_Pooling"))?;
        let config = json!({
            "model_type": "bert",
            "hidden_act": "gelu",
            "vocab_size": VOCABULARY,
            "hidden_size": self.hidden,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "intermediate_size": self.inner,
            "max_position_embeddings": POSITIONS,
            "type_vocab_size": 2,
            "layer_norm_eps": 1e-12,
        });
        let config = config.to_string();
        fs::write(folder.join("config.json"), &config)?;
        for file in [
            "vocab.txt",
            "tokenizer_config.json",
            "1_Pooling/config.json",
        ] {
            fs::write(folder.join(file), Source::Builtin.require(file)?)?;
        }
        let mut weights = RandomWeights(0x9e37_79b9_7f4a_7c15);
        let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = BertConfig::parse(config.as_bytes())?
            .tensors()
            .into_iter()
            .map(|(name, shape)| {
                let name = in_file(&name);
                let count = shape.iter().product();
                let bytes = if name.ends_with("LayerNorm.weight") {
                    f16::ONE.to_le_bytes().repeat(count)
                } else {
                    let next = |_| weights.next().to_le_bytes();
                    (0..count).flat_map(next).collect()
                };
                (name, shape, bytes)
            })
            .collect();
        let views = tensors.iter().map(|(name, shape, bytes)| {
            Ok((name, TensorView::new(Dtype::F16, shape.clone(), bytes)?))
        });
        let views: Vec<_> = views.collect::<Result<_, SafeTensorError>>()?;
        safetensors::serialize_to_file(views, None, &folder.join("model.safetensors"))?;
        Ok(())
    }
}

/// Failure to write a random model.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RandomError {
    /// A file cannot be written.
    #[error("the folder cannot be written: {0}")]
    Io(#[from] io::Error),
    /// The weights cannot be written.
    #[error("the weights cannot be written: {0}")]
    Weights(#[from] SafeTensorError),
    /// The built-in model's tokenizer cannot be read.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// Pseudo-random weights, the same in every run (xorshift, Marsaglia 2003).
struct RandomWeights(u64);

impl RandomWeights {
    fn next(&mut self) -> f16 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        #[expect(clippy::cast_precision_loss, reason = "24 bits, which f32 has")]
        let unit = (self.0 >> 40) as f32 / (1 << 24) as f32;
        f16::from_f32((2.0 * unit - 1.0) * HALF_RANGE)
    }
}
