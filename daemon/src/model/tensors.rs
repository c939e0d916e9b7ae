//! Names and shapes of an encoder's tensors.

use super::config::BertConfig;

impl BertConfig {
    /// Names in the module and shapes of all tensors. A linear weight is `[out, in]`.
    pub(crate) fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let (hidden, inner) = (self.hidden_size, self.intermediate_size);
        let mut tensors = Vec::new();
        for (name, rows) in [
            ("word_embeddings", self.vocab_size),
            ("position_embeddings", self.max_position_embeddings),
            ("token_type_embeddings", self.type_vocab_size),
        ] {
            tensors.push((format!("embeddings.{name}.weight"), vec![rows, hidden]));
        }
        let mut with_bias = |name: String, weight: Vec<usize>| {
            tensors.push((format!("{name}.bias"), vec![weight[0]]));
            tensors.push((format!("{name}.weight"), weight));
        };
        with_bias("embeddings.norm".to_owned(), vec![hidden]);
        for layer in 0..self.num_hidden_layers {
            for (name, shape) in [
                ("attention.query", vec![hidden, hidden]),
                ("attention.key", vec![hidden, hidden]),
                ("attention.value", vec![hidden, hidden]),
                ("attention.output", vec![hidden, hidden]),
                ("attention.norm", vec![hidden]),
                ("feed_forward.up", vec![inner, hidden]),
                ("feed_forward.down", vec![hidden, inner]),
                ("feed_forward.norm", vec![hidden]),
            ] {
                with_bias(format!("layers.{layer}.{name}"), shape);
            }
        }
        tensors
    }
}
