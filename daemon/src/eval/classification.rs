//! Figures for labels 0 and 1, as MTEB's task pair classification has them.

use super::correlation::{as_f64, average_ranks};

/// A best figure, and the threshold that gives it: pairs above it count as the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Best {
    /// The figure.
    pub(crate) value: f64,
    /// The threshold, in the middle between two scores.
    pub(crate) threshold: f64,
}

/// Figures for labels 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Classification {
    /// Area under the curve of true over false positives (ROC).
    pub(crate) roc_auc: f64,
    /// Average precision.
    pub(crate) average_precision: f64,
    /// Best F1.
    pub(crate) f1: Best,
    /// Best accuracy.
    pub(crate) accuracy: Best,
}

/// Counts of pairs above a threshold.
struct Cut {
    threshold: f64,
    positives: usize,
    above: usize,
}

impl Classification {
    /// Computes the figures of scores and their labels, of which there are both.
    pub(crate) fn of(scores: &[f64], labels: &[bool]) -> Self {
        let positives = labels.iter().filter(|label| **label).count();
        let all = labels.len();
        let negatives = all - positives;
        let cuts = cuts(scores, labels);
        let mut average_precision = 0.0;
        let mut before = 0;
        for cut in &cuts {
            let precision = as_f64(cut.positives) / as_f64(cut.above);
            average_precision += as_f64(cut.positives - before) / as_f64(positives) * precision;
            before = cut.positives;
        }
        let best = |value: &dyn Fn(&Cut) -> f64| {
            let best = |best: Best, cut: &Cut| {
                let value = value(cut);
                let threshold = cut.threshold;
                if value > best.value {
                    Best { value, threshold }
                } else {
                    best
                }
            };
            let none = Best {
                value: f64::NEG_INFINITY,
                threshold: f64::NAN,
            };
            cuts.iter().fold(none, best)
        };
        Self {
            roc_auc: roc_auc(scores, labels, positives, negatives),
            average_precision,
            // 2PR / (P + R)
            f1: best(&|cut| as_f64(2 * cut.positives) / as_f64(cut.above + positives)),
            accuracy: best(&|cut| {
                let false_positives = cut.above - cut.positives;
                as_f64(cut.positives + negatives - false_positives) / as_f64(all)
            }),
        }
    }
}

/// The cuts between different scores, the highest first. The last is below all of them.
fn cuts(scores: &[f64], labels: &[bool]) -> Vec<Cut> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|one, other| scores[*other].total_cmp(&scores[*one]));
    let mut cuts = Vec::new();
    let mut positives = 0;
    for (above, pair) in (1..).zip(&order) {
        positives += usize::from(labels[*pair]);
        let score = scores[*pair];
        let next = order.get(above).map_or(score - 1.0, |next| scores[*next]);
        if next < score {
            cuts.push(Cut {
                threshold: f64::midpoint(score, next),
                positives,
                above,
            });
        }
    }
    cuts
}

/// Probability that a pair of label 1 scores higher than one of label 0, by ranks (Mann and
/// Whitney's U).
fn roc_auc(scores: &[f64], labels: &[bool], positives: usize, negatives: usize) -> f64 {
    let ranks = average_ranks(scores);
    let of_positives = ranks.iter().zip(labels).filter(|(_, label)| **label);
    let sum: f64 = of_positives.map(|(rank, _)| rank).sum();
    let least = as_f64(positives * (positives + 1)) / 2.0;
    (sum - least) / as_f64(positives * negatives)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-12
    }

    #[test]
    fn figures_with_ties_are_worked_out_by_hand() {
        let scores = [0.9, 0.8, 0.8, 0.7, 0.5, 0.4, 0.4, 0.1];
        let labels = [true, false, true, true, false, false, true, false];
        let of = Classification::of(&scores, &labels);
        // Of 16 pairs of a 1 and a 0: 4 + 2.5 + 3 + 1.5 in order, ties half.
        let ordered = [4.0, 3.5, 3.0, 1.5];
        assert!(
            close(of.roc_auc, ordered.iter().sum::<f64>() / 16.0),
            "{of:?}"
        );
        // Steps of recall at 0.9, 0.8, 0.7 and 0.4, and the precision at each.
        let precision = [1.0, 2.0 / 3.0, 3.0 / 4.0, 4.0 / 7.0];
        assert!(close(
            of.average_precision,
            precision.iter().sum::<f64>() / 4.0
        ));
        // Above 0.6: three of four; above 0.25: four of seven.
        assert!(close(of.f1.value, 6.0 / 8.0) && close(of.f1.threshold, 0.6));
        assert!(close(of.accuracy.value, 6.0 / 8.0) && close(of.accuracy.threshold, 0.6));
    }

    #[test]
    fn scores_that_separate_give_one() {
        let of = Classification::of(&[0.9, 0.7, 0.3, 0.2], &[true, true, false, false]);
        for value in [
            of.roc_auc,
            of.average_precision,
            of.f1.value,
            of.accuracy.value,
        ] {
            assert!(close(value, 1.0), "{of:?}");
        }
        assert!(close(of.accuracy.threshold, 0.5));
        let constant = Classification::of(&[0.5; 4], &[true, true, true, false]);
        assert!(close(constant.roc_auc, 0.5) && close(constant.accuracy.value, 0.75));
    }
}
