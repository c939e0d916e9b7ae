//! The figures of a model on labelled pairs.

use super::classification::Classification;
use super::correlation::{as_f64, average_ranks, pearson, spearman};
use super::cosines::Scored;
use super::pairs::{Labels, Pairs};

/// Bins of the histogram of cosines.
pub(crate) const BINS: usize = 20;

/// Pairs that are named as those that the model gets most wrong.
const WORST: usize = 10;

/// The figures of a model on labelled pairs.
#[derive(Clone, Debug)]
pub(crate) struct Evaluation {
    /// Number of pairs.
    pub(crate) pairs: usize,
    /// Spearman's correlation of cosines and labels, with average ranks.
    pub(crate) spearman: f64,
    /// Pearson's correlation.
    pub(crate) pearson: f64,
    /// Figures for labels 0 and 1.
    pub(crate) classification: Option<Classification>,
    /// Number of pairs in each twentieth of the cosines from 0 to 1, of the lower and the higher
    /// half of the labels; what is below 0 counts to the first.
    pub(crate) histogram: [[usize; 2]; BINS],
    /// Pairs that the model gets most wrong, the worst first.
    pub(crate) worst: Vec<Worst>,
    /// Texts that were not read as a whole.
    pub(crate) truncated: usize,
    /// Texts with unknown tokens.
    pub(crate) with_unknown: usize,
    /// Pairs of different texts that have become the same tokens.
    pub(crate) same_tokens: usize,
}

/// A pair that the model gets wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Worst {
    /// Index of the pair.
    pub(crate) pair: usize,
    /// Its cosine.
    pub(crate) cosine: f64,
}

impl Evaluation {
    /// Computes the figures of scored pairs.
    pub(crate) fn of(Pairs { pairs, labels }: &Pairs, scored: &[Scored]) -> Self {
        let cosines: Vec<f64> = scored.iter().map(|scored| scored.cosine).collect();
        let values: Vec<f64> = pairs.iter().map(|pair| pair.label).collect();
        let middle = match labels {
            Labels::Binary => 0.5,
            Labels::Rated { least, greatest } => f64::midpoint(*least, *greatest),
        };
        let is_high: Vec<bool> = values.iter().map(|label| *label > middle).collect();
        let mut histogram = [[0; 2]; BINS];
        for (cosine, is_high) in cosines.iter().zip(&is_high) {
            histogram[bin(*cosine)][usize::from(*is_high)] += 1;
        }
        let texts = || scored.iter().flat_map(|scored| &scored.texts);
        let is_binary = *labels == Labels::Binary;
        Self {
            pairs: pairs.len(),
            spearman: spearman(&cosines, &values),
            pearson: pearson(&cosines, &values),
            classification: is_binary.then(|| Classification::of(&cosines, &is_high)),
            histogram,
            worst: worst(&cosines, &values),
            truncated: texts().filter(|text| text.is_truncated()).count(),
            with_unknown: texts().filter(|text| text.unknown > 0).count(),
            same_tokens: scored.iter().filter(|scored| scored.same_tokens).count(),
        }
    }
}

fn bin(cosine: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not below 0, and bounded behind"
    )]
    let bin = (cosine.max(0.0) * as_f64(BINS)) as usize;
    bin.min(BINS - 1)
}

/// The pairs whose place among the cosines is furthest from that among the labels.
fn worst(cosines: &[f64], labels: &[f64]) -> Vec<Worst> {
    let (by_cosine, by_label) = (average_ranks(cosines), average_ranks(labels));
    let distance = |pair: usize| (by_cosine[pair] - by_label[pair]).abs();
    let mut order: Vec<usize> = (0..cosines.len()).collect();
    order.sort_by(|one, other| distance(*other).total_cmp(&distance(*one)));
    order.truncate(WORST);
    let worst = order.into_iter().map(|pair| Worst {
        pair,
        cosine: cosines[pair],
    });
    worst.collect()
}

#[cfg(test)]
mod tests {
    use gte_shared::wire::TextInfo;

    use super::super::pairs::Pair;
    use super::*;

    #[test]
    fn figures_of_a_few_pairs() {
        let cosines = [-0.2, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.05, 1.0];
        let labels = [0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 4.5];
        let pairs = labels.map(|label| Pair {
            a: "甲".to_owned(),
            b: "乙".to_owned(),
            label,
            line: 1,
        });
        let (least, greatest) = (0.0, 5.0);
        let pairs = Pairs {
            pairs: pairs.to_vec(),
            labels: Labels::Rated { least, greatest },
        };
        let scored = cosines.map(|cosine| Scored {
            cosine,
            texts: <[TextInfo; 2]>::default(),
            same_tokens: cosine > 0.9,
        });
        let of = Evaluation::of(&pairs, &scored);
        assert_eq!((of.pairs, of.same_tokens, of.truncated), (10, 1, 0));
        assert_eq!(of.classification, None);
        assert_eq!(
            of.worst[0],
            Worst {
                pair: 8,
                cosine: 0.05
            }
        );
        assert_eq!((of.histogram[0], of.histogram[BINS - 1]), ([1, 0], [0, 1]));
        assert_eq!(of.histogram[1], [0, 1]);
        assert!(of.spearman > 0.5 && of.spearman < 0.9, "{of:?}");
    }
}
