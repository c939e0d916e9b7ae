//! Reliability of a calibration on pairs that it was not fitted to.

use gte_shared::score::{Calibration, Verdict};
use serde::Serialize;

use super::classification::Classification;
use super::correlation::as_f64;
use super::error::EvalError;
use super::fit::fit_any;
use super::pairs::Labels;

/// Random halves of the pairs: fitted on one, tested on the other.
const HALVES: u64 = 20;

/// Bins of the reliability chart, of as many pairs each.
pub(crate) const BINS: usize = 10;

/// Standard deviations of a confidence of 95 %.
const Z: f64 = 1.96;

/// Means over random halves of the pairs, fitted on one half and tested on the other.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "meaning", rename_all = "lowercase")]
pub(crate) enum Reliability {
    /// Of probabilities.
    Probability {
        /// Expected calibration error, between 0 and 1, over ten bins of as many pairs each.
        calibration_error: f64,
        /// Accuracy with the best threshold of the fitted half.
        accuracy: f64,
        /// Its 95 % confidence interval, for as many pairs as one half has (Wilson 1927).
        interval: (f64, f64),
        /// Mean probability and share of label 1 in each bin, on all pairs.
        chart: [(f64, f64); BINS],
    },
    /// Of ratings.
    Rating {
        /// Mean distance of score and rating, between 0 and 1 (the whole range).
        distance: f64,
        /// Share of the pairs of the highest rating whose verdict is high.
        high: f64,
        /// Share of the pairs in the lowest fifth of the range whose verdict is low; there is a
        /// pair of the lowest rating at least.
        low: f64,
    },
}

impl Reliability {
    /// Tests the fit of cosines and labels.
    ///
    /// # Errors
    ///
    /// If a half of them cannot be fitted.
    pub(crate) fn of(cosines: &[f64], labels: &[f64], kind: Labels) -> Result<Self, EvalError> {
        let mut tested = Vec::new();
        for seed in 0..HALVES {
            let order = shuffled(cosines.len(), seed);
            let (fitted, other) = order.split_at(order.len() / 2);
            let of = |half: &[usize], values: &[f64]| -> Vec<f64> {
                half.iter().map(|index| values[*index]).collect()
            };
            let half = |half: &[usize]| (of(half, cosines), of(half, labels));
            let (train, test) = (half(fitted), half(other));
            let map = fit_any(&train.0, &train.1, kind)?;
            tested.push((map, train, test));
        }
        let mean = |value: &dyn Fn(&Tested) -> f64| {
            tested.iter().map(value).sum::<f64>() / as_f64(tested.len())
        };
        Ok(match kind {
            Labels::Binary => {
                let accuracy = mean(&|(_, train, test)| accuracy(train, test));
                let map = fit_any(cosines, labels, kind)?;
                Self::Probability {
                    calibration_error: mean(&|(map, _, (cosines, labels))| {
                        calibration_error(map, cosines, labels)
                    }),
                    accuracy,
                    interval: wilson(accuracy, cosines.len() / 2),
                    chart: chart(&map, cosines, labels),
                }
            }
            Labels::Rated { least, greatest } => {
                let rated = |label: f64| (label - least) / (greatest - least);
                Self::Rating {
                    distance: mean(&|(map, _, (cosines, labels))| {
                        let distance = |(cosine, label): (&f64, &f64)| {
                            (score(map, *cosine) / 100.0 - rated(*label)).abs()
                        };
                        let sum: f64 = cosines.iter().zip(labels).map(distance).sum();
                        sum / as_f64(labels.len())
                    }),
                    high: share(&tested, |label| label >= greatest, Verdict::High),
                    low: share(&tested, |label| rated(label) < 0.2, Verdict::Low),
                }
            }
        })
    }
}

type Half = (Vec<f64>, Vec<f64>);

type Tested = (Calibration, Half, Half);

fn score(map: &Calibration, cosine: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "a cosine, which was f32")]
    let cosine = cosine as f32;
    map.score(cosine)
}

/// Share of the tested pairs with such labels that have a verdict.
fn share(tested: &[Tested], of: impl Fn(f64) -> bool, verdict: Verdict) -> f64 {
    let (mut right, mut all) = (0, 0);
    for (map, _, (cosines, labels)) in tested {
        for (cosine, _) in cosines.iter().zip(labels).filter(|(_, label)| of(**label)) {
            all += 1;
            right += usize::from(Verdict::of(score(map, *cosine)) == verdict);
        }
    }
    as_f64(right) / as_f64(all.max(1))
}

/// Accuracy of the best threshold of one half on the other.
fn accuracy(train: &Half, test: &Half) -> f64 {
    let is_same = |labels: &[f64]| -> Vec<bool> { labels.iter().map(|l| *l > 0.5).collect() };
    let best = Classification::of(&train.0, &is_same(&train.1)).accuracy;
    let pairs = test.0.iter().zip(is_same(&test.1));
    let right = pairs.filter(|(cosine, same)| (**cosine > best.threshold) == *same);
    as_f64(right.count()) / as_f64(test.0.len())
}

/// Mean probability and share of label 1 of ten bins of as many pairs each.
fn chart(map: &Calibration, cosines: &[f64], labels: &[f64]) -> [(f64, f64); BINS] {
    let mut order: Vec<usize> = (0..cosines.len()).collect();
    order.sort_by(|one, other| cosines[*one].total_cmp(&cosines[*other]));
    std::array::from_fn(|bin| {
        let at = |bin: usize| bin * order.len() / BINS;
        let bin = &order[at(bin)..at(bin + 1)];
        let count = as_f64(bin.len().max(1));
        let probability: f64 = bin
            .iter()
            .map(|pair| score(map, cosines[*pair]) / 100.0)
            .sum();
        let same: f64 = bin.iter().map(|pair| labels[*pair]).sum();
        (probability / count, same / count)
    })
}

fn calibration_error(map: &Calibration, cosines: &[f64], labels: &[f64]) -> f64 {
    let chart = chart(map, cosines, labels);
    chart
        .iter()
        .map(|(expected, seen)| (expected - seen).abs())
        .sum::<f64>()
        / as_f64(BINS)
}

fn wilson(share: f64, count: usize) -> (f64, f64) {
    let n = as_f64(count);
    let middle = share + Z * Z / (2.0 * n);
    let width = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    ((middle - width) / scale, (middle + width) / scale)
}

/// The numbers below `count` in an order that `seed` decides (Fisher and Yates, with the generator
/// SplitMix64).
fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        let choices = last as u64 + 1;
        #[expect(clippy::cast_possible_truncation, reason = "at most `last`")]
        let other = (next() % choices) as usize;
        order.swap(last, other);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffles_are_whole_and_differ() {
        let (one, other) = (shuffled(100, 1), shuffled(100, 2));
        assert_ne!(one, other);
        assert_eq!(one, shuffled(100, 1));
        let mut sorted = one;
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..100));
    }

    #[test]
    fn intervals_are_wilsons() {
        // 8 of 10: [0.4902, 0.9433].
        let (from, to) = wilson(0.8, 10);
        assert!(
            (from - 0.4902).abs() < 1e-3 && (to - 0.9433).abs() < 1e-3,
            "{from} {to}"
        );
    }

    #[test]
    fn a_right_map_has_a_small_error_and_a_wrong_one_a_large_one() {
        let map = Calibration::probability([3.0, 1.5, -1.0]).unwrap();
        let cosines: Vec<f64> = (0..5000).map(|n| as_f64(n) / 5000.0).collect();
        let labels: Vec<f64> = cosines
            .iter()
            .zip(shuffled(5000, 3))
            .map(|(cosine, luck)| {
                let is_same = as_f64(luck) / 50.0 < score(&map, *cosine);
                f64::from(u8::from(is_same))
            })
            .collect();
        assert!(calibration_error(&map, &cosines, &labels) < 0.02);
        let steep = Calibration::probability([15.0, 7.5, -5.0]).unwrap();
        assert!(calibration_error(&steep, &cosines, &labels) > 0.08);
        let Reliability::Probability {
            calibration_error: error,
            accuracy,
            ..
        } = Reliability::of(&cosines, &labels, Labels::Binary).unwrap()
        else {
            panic!("labels are 0 and 1");
        };
        assert!(error < 0.03 && accuracy > 0.7, "{error} {accuracy}");
    }
}
