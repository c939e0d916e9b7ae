//! Alignment: which words of two texts are most similar, by the hidden states of their tokens.

use std::ops::Range;

/// Hidden states of a text, `[tokens, hidden]` row by row, and the tokens of its words.
pub(super) struct WordsOf<'a> {
    pub(super) hidden: &'a [f32],
    /// Values per token.
    pub(super) width: usize,
    pub(super) words: &'a [Range<usize>],
}

/// Finds for each word of both texts the most similar one of the other text, the first if there are
/// several, and the cosine of the two. `None` if the other text has no words.
pub(super) fn closest(texts: [WordsOf<'_>; 2]) -> [Vec<Option<(usize, f32)>>; 2] {
    let [a, b] = texts.map(|text| text.states());
    let of = |words: &[Vec<f64>], others: &[Vec<f64>]| {
        let nearest = |word: &Vec<f64>| {
            let cosines = others.iter().map(|other| dot(word, other)).enumerate();
            let best = cosines.rev().max_by(|one, other| one.1.total_cmp(&other.1));
            #[expect(clippy::cast_possible_truncation, reason = "within [-1, 1]")]
            best.map(|(index, cosine)| (index, cosine.clamp(-1.0, 1.0) as f32))
        };
        words.iter().map(nearest).collect()
    };
    [of(&a, &b), of(&b, &a)]
}

impl WordsOf<'_> {
    /// State of each word: the mean of those of its tokens, of unit length (L2).
    fn states(&self) -> Vec<Vec<f64>> {
        let state = |tokens: &Range<usize>| {
            let rows = self.hidden.chunks_exact(self.width.max(1));
            let mut sum = vec![0.0; self.width];
            for row in rows.skip(tokens.start).take(tokens.len()) {
                for (sum, value) in sum.iter_mut().zip(row) {
                    *sum += f64::from(*value);
                }
            }
            let length = dot(&sum, &sum).sqrt().max(f64::MIN_POSITIVE);
            sum.into_iter().map(|value| value / length).collect()
        };
        self.words.iter().map(state).collect()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words<'a>(hidden: &'a [f32], words: &'a [Range<usize>]) -> WordsOf<'a> {
        WordsOf {
            hidden,
            width: 2,
            words,
        }
    }

    #[test]
    fn the_closest_word_is_that_of_the_smallest_angle() {
        // The first token is not of a word; the third and fourth are one.
        let a = [9.0, 9.0, 0.0, 2.0, 3.0, 1.0, 3.0, -1.0];
        let b = [5.0, 0.0, 0.1, 7.0, 0.1, 7.0];
        let [of_a, of_b] = closest([words(&a, &[1..2, 2..4]), words(&b, &[0..1, 1..2, 2..3])]);
        let indexes = |found: &[Option<(usize, f32)>]| -> Vec<_> {
            found.iter().map(|found| found.unwrap().0).collect()
        };
        assert_eq!(indexes(&of_a), [1, 0]);
        assert_eq!(indexes(&of_b), [1, 0, 0]);
        assert!((of_a[1].unwrap().1 - 1.0).abs() < 1e-6);
        assert!(of_a[0].unwrap().1 > 0.99);
    }

    #[test]
    fn nothing_is_closest_in_a_text_without_words() {
        let [of_a, of_b] = closest([words(&[1.0; 4], &[0..1, 1..2]), words(&[1.0; 2], &[])]);
        assert_eq!((of_a, of_b), (vec![None; 2], vec![]));
    }
}
