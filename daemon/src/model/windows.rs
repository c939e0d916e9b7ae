//! Windows: the parts of a long text that a model reads.

use std::ops::Range;

/// Tokens that a window shares with the one before, so that what is cut between two of them is
/// whole in one: two sentences or three.
const OVERLAP: usize = 64;

/// Splits a range of tokens into windows of at most `capacity`, which overlap. Each ends behind the
/// last token of a sentence, and begins behind one, where there is one near by; `ends_sentence`
/// tells it of a token.
pub(super) fn windows(
    tokens: Range<usize>,
    capacity: usize,
    ends_sentence: impl Fn(usize) -> bool,
) -> Vec<Range<usize>> {
    let overlap = OVERLAP.min(capacity / 4);
    let mut windows = Vec::new();
    let mut start = tokens.start;
    while tokens.end - start > capacity {
        let limit = start + capacity;
        let last = (start + capacity / 2..limit)
            .rev()
            .find(|token| ends_sentence(*token));
        let end = last.map_or(limit, |last| last + 1);
        windows.push(start..end);
        // Half of the overlap stays at least.
        let shared = end - overlap;
        let before = (shared..end - overlap / 2 - 1).find(|token| ends_sentence(*token));
        start = before.map_or(shared, |before| before + 1);
    }
    windows.push(start..tokens.end);
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_is_one_window() {
        let windows = windows(90..600, 510, |_| true);
        assert!(windows.len() == 1 && windows[0] == (90..600));
    }

    #[test]
    fn windows_overlap_and_leave_nothing_out() {
        for (tokens, capacity) in [(511, 510), (5000, 510), (7, 3), (9, 1), (1000, 16)] {
            let windows = windows(0..tokens, capacity, |_| false);
            assert_eq!((windows[0].start, windows.last().unwrap().end), (0, tokens));
            for pair in windows.windows(2) {
                assert!(pair[0].len() <= capacity, "{windows:?}");
                let overlap = OVERLAP.min(capacity / 4);
                assert_eq!(pair[0].end - pair[1].start, overlap, "{windows:?}");
            }
        }
    }

    #[test]
    fn windows_end_with_sentences() {
        // Sentences of 50 tokens.
        let windows = windows(0..1200, 510, |token| token % 50 == 49);
        assert_eq!(windows, [0..500, 450..950, 900..1200]);
    }
}
