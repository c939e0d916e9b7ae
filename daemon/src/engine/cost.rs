//! Cost of a text, as a number of tokens of short texts.

/// Tokens per text at which attention costs as much as everything else does. Measured in int8 with
/// the built-in model (AVX-512 VNNI, two threads): 512 tokens take 15.3 ms in 16 texts, and 22.2 ms
/// in one.
const ATTENTION_TOKENS: usize = 1130;

/// Most cost of a batch, unless a single text has more: 29 ms with the built-in model on the
/// machine above, so that a pair that arrives meanwhile waits no longer. Every batch takes 1.9 ms
/// besides, for which 768 would cost 5 % of the throughput of long lists, and 960 costs 1 %.
pub(super) const MAX_COST: usize = 960;

/// Cost of a text of this many tokens. Products with weights grow with the tokens, attention with
/// their square.
pub(super) fn cost(tokens: usize) -> usize {
    tokens + tokens * tokens / ATTENTION_TOKENS
}

/// Splits texts, given as token ids, into batches that follow each other, each of the daemon's
/// size.
pub(crate) fn batches<'a, 'b>(texts: &'a [&'b [u32]]) -> impl Iterator<Item = &'a [&'b [u32]]> {
    let mut rest = texts;
    std::iter::from_fn(move || {
        let mut budget = MAX_COST;
        let within = |ids: &&&[u32]| {
            let enough = cost(ids.len()) <= budget;
            budget = budget.saturating_sub(cost(ids.len()));
            enough
        };
        let count = rest.iter().take_while(within).count().max(1);
        let (batch, after) = rest.split_at(count.min(rest.len()));
        rest = after;
        (!batch.is_empty()).then_some(batch)
    })
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

    #[test]
    fn batches_are_bounded_but_for_a_single_text() {
        let lengths = [500, 100, 2000, 300, 300, 300];
        let texts: Vec<Vec<u32>> = lengths.iter().map(|length| vec![0; *length]).collect();
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let sizes: Vec<usize> = batches(&texts).map(<[_]>::len).collect();
        assert_eq!(sizes, [2, 1, 2, 1]);
    }
}
