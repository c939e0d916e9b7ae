//! `config.json`: sizes of a BERT, in the format of Hugging Face.

use serde::Deserialize;

use super::error::ModelError;
use super::json_file;

/// Largest size: far more than any BERT has, and small enough that no product of sizes overflows.
const MAX_SIZE: usize = 1 << 24;

/// Largest number of layers: ten times that of the largest BERT.
const MAX_LAYERS: usize = 256;

/// Number of tokens that a BERT tokenizer adds to every text: `[CLS]` before and `[SEP]` after.
pub(super) const SPECIAL_TOKENS: usize = 2;

/// Least number of tokens that a model must read: `[CLS]`, one token and `[SEP]`.
pub(super) const MIN_TOKENS: usize = SPECIAL_TOKENS + 1;

/// The part of `config.json` that shapes the computation. What it does not state has the value that
/// transformers' `BertConfig` gives it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct BertConfig {
    /// Rows of the word embedding; token ids are less than this.
    pub(crate) vocab_size: usize,
    /// Width of a hidden state.
    pub(crate) hidden_size: usize,
    /// Number of encoder layers.
    pub(crate) num_hidden_layers: usize,
    /// Attention heads per layer.
    pub(crate) num_attention_heads: usize,
    /// Width inside the feed-forward part of a layer.
    pub(crate) intermediate_size: usize,
    /// Rows of the position embedding: the longest input in tokens.
    pub(crate) max_position_embeddings: usize,
    /// Rows of the token-type embedding; only row 0 is used here.
    #[serde(default = "type_vocab_size")]
    pub(crate) type_vocab_size: usize,
    /// Epsilon that every layer normalization adds to the variance.
    #[serde(default = "layer_norm_eps")]
    pub(crate) layer_norm_eps: f64,
    /// Activation inside the feed-forward part.
    hidden_act: Option<String>,
    position_embedding_type: Option<String>,
}

/// Kind of a model. It is read first, since other kinds lack some of the sizes.
#[derive(Deserialize)]
struct Kind {
    model_type: Option<String>,
    architectures: Option<Vec<String>>,
    /// A key that BERT's own files have, which do not name their kind.
    type_vocab_size: Option<usize>,
}

impl Kind {
    fn name(&self) -> &str {
        let is_bert = || {
            let names = self.architectures.as_deref().unwrap_or_default();
            let says_so = names.iter().any(|name| name.starts_with("Bert"));
            says_so || names.is_empty() && self.type_vocab_size.is_some()
        };
        match &self.model_type {
            Some(kind) => kind,
            None if is_bert() => "bert",
            None => "not there",
        }
    }
}

fn type_vocab_size() -> usize {
    2
}

fn layer_norm_eps() -> f64 {
    1e-12
}

impl BertConfig {
    /// Reads `config.json`.
    ///
    /// # Errors
    ///
    /// If the file is not JSON, lacks a size, or describes another architecture than BERT with
    /// absolute positions and exact GELU.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, ModelError> {
        let kind: Kind = json_file::parse("config.json", bytes)?;
        is_supported("model_type", kind.name(), "bert")?;
        let config: Self = json_file::parse("config.json", bytes)?;
        config.check()?;
        Ok(config)
    }

    /// Epsilon of layer normalizations.
    pub(super) fn epsilon(&self) -> f32 {
        #[expect(clippy::cast_possible_truncation, reason = "1e-12 is an f32 as well")]
        let epsilon = self.layer_norm_eps as f32;
        epsilon
    }

    /// Number of weights of all layers, but for biases and normalizations, which are a thousandth
    /// of them.
    pub(crate) fn layer_parameters(&self) -> u64 {
        let size = |size: usize| size as u64;
        let hidden = size(self.hidden_size);
        // Query, key, value and output; up and down.
        let layer = 4 * hidden * hidden + 2 * hidden * size(self.intermediate_size);
        size(self.num_hidden_layers) * layer
    }

    fn check(&self) -> Result<(), ModelError> {
        let activation = self.hidden_act.as_deref().unwrap_or("gelu");
        // Another name of the same function, by erf.
        if activation != "gelu_python" {
            is_supported("hidden_act", activation, "gelu")?;
        }
        let positions = self.position_embedding_type.as_deref();
        let positions = positions.unwrap_or("absolute");
        is_supported("position_embedding_type", positions, "absolute")?;
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("intermediate_size", self.intermediate_size),
            ("type_vocab_size", self.type_vocab_size),
            ("max_position_embeddings", self.max_position_embeddings),
        ];
        for (key, size) in sizes {
            let most = match key {
                "num_hidden_layers" => MAX_LAYERS,
                _ => MAX_SIZE,
            };
            if size == 0 || size > most {
                return Err(ModelError::Size { key, size });
            }
        }
        if self.max_position_embeddings < MIN_TOKENS {
            return Err(ModelError::Size {
                key: "max_position_embeddings",
                size: self.max_position_embeddings,
            });
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return Err(ModelError::Heads {
                hidden_size: self.hidden_size,
                heads: self.num_attention_heads,
            });
        }
        Ok(())
    }
}

fn is_supported(key: &'static str, found: &str, supported: &'static str) -> Result<(), ModelError> {
    if found == supported {
        return Ok(());
    }
    Err(ModelError::Architecture {
        key,
        found: found.to_owned(),
        supported,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TINY: &str = r#"{"vocab_size":202,"hidden_size":64,"num_hidden_layers":2,
        "num_attention_heads":4,"intermediate_size":128,"max_position_embeddings":64,
        "type_vocab_size":2,"layer_norm_eps":1e-12,"hidden_act":"gelu","model_type":"bert"}"#;

    fn refused(from: &str, to: &str) -> String {
        let changed = TINY.replace(from, to);
        assert_ne!(changed, TINY);
        BertConfig::parse(changed.as_bytes())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_bert_is_taken() {
        assert_eq!(BertConfig::parse(TINY.as_bytes()).unwrap().hidden_size, 64);
    }

    #[test]
    fn values_that_are_not_stated_are_those_of_transformers() {
        let mut bare = TINY.to_owned();
        for stated in [
            r#""type_vocab_size":2,"#,
            r#""layer_norm_eps":1e-12,"#,
            r#""hidden_act":"gelu","#,
        ] {
            assert!(bare.contains(stated));
            bare = bare.replace(stated, "");
        }
        let config = BertConfig::parse(bare.as_bytes()).unwrap();
        assert_eq!((config.type_vocab_size, config.layer_norm_eps), (2, 1e-12));
        let python = TINY.replace("\"gelu\"", "\"gelu_python\"");
        assert!(BertConfig::parse(python.as_bytes()).is_ok());
        // As Google published them, without the kind.
        let google = TINY.replace(r#","model_type":"bert""#, "");
        assert!(BertConfig::parse(google.as_bytes()).is_ok());
        let albert = google.replace('{', r#"{"architectures":["AlbertModel"],"#);
        assert!(BertConfig::parse(albert.as_bytes()).is_err());
    }

    #[test]
    fn what_is_no_such_bert_is_named() {
        assert!(refused("\"bert\"", "\"roberta\"").contains("model_type is roberta"));
        assert!(refused("\"gelu\"", "\"gelu_new\"").contains("hidden_act is gelu_new"));
        assert!(refused("heads\":4", "heads\":5").contains("5 heads"));
        assert!(refused("layers\":2", "layers\":0").contains("num_hidden_layers is 0"));
        assert!(refused("\"vocab_size\":202,", "").contains("config.json"));
        assert!(refused("layers\":2", "layers\":257").contains("num_hidden_layers is 257"));
        assert!(refused("size\":128", "size\":16777217").contains("is 16777217"));
    }

    #[test]
    fn another_kind_is_named_even_where_it_lacks_a_berts_sizes() {
        let parse = |json: &str| BertConfig::parse(json.as_bytes()).unwrap_err().to_string();
        let qwen = parse(r#"{"model_type":"qwen2","hidden_size":1024}"#);
        assert!(qwen.contains("model_type is qwen2"), "{qwen}");
        assert!(parse("{}").contains("model_type is not there"));
    }
}
