//! Number of operations per text.

use gte_shared::wire::Pooling;

use crate::model::BertConfig;

/// Number of multiplications and additions in the matrix products for texts of these lengths, in
/// tokens.
pub(super) fn operations(config: &BertConfig, pooling: Pooling, lengths: &[usize]) -> usize {
    let (hidden, inner) = (config.hidden_size, config.intermediate_size);
    let of_layer = |tokens: usize, queries: usize| {
        let qkv = tokens * hidden * 3 * hidden;
        // Each query with each key, and each weight with each value.
        let attention = 2 * queries * tokens * hidden;
        let output = queries * hidden * hidden;
        let feed_forward = 2 * queries * hidden * inner;
        2 * (qkv + attention + output + feed_forward)
    };
    let of_text = |tokens: &usize| {
        let last = match pooling {
            // The last layer computes the first token alone.
            Pooling::Cls => of_layer(*tokens, 1),
            Pooling::Mean => of_layer(*tokens, *tokens),
        };
        (config.num_hidden_layers - 1) * of_layer(*tokens, *tokens) + last
    };
    lengths.iter().map(of_text).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cls_pooling_saves_most_of_the_last_layer() {
        let config = br#"{"vocab_size":50,"hidden_size":10,"num_hidden_layers":2,
            "num_attention_heads":2,"intermediate_size":20,"max_position_embeddings":64,
            "type_vocab_size":2,"layer_norm_eps":1e-12,"hidden_act":"gelu","model_type":"bert"}"#;
        let config = BertConfig::parse(config).unwrap();
        // Per layer of 3 tokens: 3 × 10 × 30, 2 × 3 × 3 × 10, 3 × 10 × 10, 2 × 3 × 10 × 20.
        let whole = 2 * (900 + 180 + 300 + 1200);
        assert_eq!(operations(&config, Pooling::Mean, &[3]), 2 * whole);
        let first = 2 * (900 + 60 + 100 + 400);
        assert_eq!(operations(&config, Pooling::Cls, &[3]), whole + first);
        assert_eq!(operations(&config, Pooling::Mean, &[3, 3]), 4 * whole);
    }
}
