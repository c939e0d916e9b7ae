//! Cost of a text, as a number of tokens of short texts.

/// Tokens per text at which attention costs as much as everything else does. Measured in int8 with
/// the built-in model (AVX-512 VNNI, two threads): 512 tokens take 15.3 ms in 16 texts, and 22.2 ms
/// in one.
const ATTENTION_TOKENS: usize = 1130;

/// Most cost of a batch, unless a single text has more: 29 ms with the built-in model on the
/// machine above, so that a pair that arrives meanwhile waits no longer. Every batch takes 1.9 ms
/// besides, for which 768 would cost 5 % of the throughput of long lists, and 960 costs 1 %.
pub(crate) const MAX_COST: usize = 960;

/// Cost of a text of this many tokens. Products with weights grow with the tokens, attention with
/// their square.
pub(crate) fn cost(tokens: usize) -> usize {
    tokens + tokens * tokens / ATTENTION_TOKENS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_text_fits_into_a_batch() {
        assert_eq!(cost(16), 16);
        assert_eq!(cost(512), 743);
        assert!(cost(512) <= MAX_COST);
    }
}
