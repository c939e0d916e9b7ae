//! Fits of a calibration to labelled pairs.

use gte_shared::score::Calibration;

use super::correlation::{as_f64, spearman};
use super::error::EvalError;
use super::logistic::logistic_regression;
use super::pairs::Labels;

/// Inner knots of a map to ratings.
const KNOTS: usize = 12;

/// Least pairs of a fit: the share of pairs above a score is then known to 10 points (two standard
/// deviations).
const MIN_PAIRS: usize = 100;

/// Least pairs of either label.
const MIN_OF_A_LABEL: usize = 20;

/// Least different ratings.
const MIN_RATINGS: usize = 3;

/// Room between the outer knots and the ends of the scale, in points: what lies beyond the pairs
/// still increases.
const MARGIN: f64 = 1.0;

/// Nearest place to an end of the scale that is fitted: beyond, texts are nearly the same, and one
/// wrong label would outweigh many right ones.
const NEAREST: f64 = 1e-3;

/// Fits a calibration to cosines and their labels.
///
/// # Errors
///
/// If there are too few pairs, or the cosines do not rise with the labels.
pub(crate) fn fit(cosines: &[f64], labels: &[f64], kind: Labels) -> Result<Calibration, EvalError> {
    match kind {
        Labels::Binary => check_binary(labels)?,
        Labels::Rated { .. } => check_ratings(labels)?,
    }
    // Two standard errors of the correlation of what has none.
    if spearman(cosines, labels) < 2.0 / as_f64(labels.len()).sqrt() {
        return Err(falling());
    }
    fit_any(cosines, labels, kind)
}

/// Fits a calibration to pairs of whatever number.
pub(super) fn fit_any(
    cosines: &[f64],
    labels: &[f64],
    kind: Labels,
) -> Result<Calibration, EvalError> {
    let fitted = match kind {
        Labels::Binary => probability(cosines, labels),
        Labels::Rated { least, greatest } => ratings(cosines, labels, least, greatest),
    };
    fitted.ok_or_else(falling)
}

fn falling() -> EvalError {
    let unfit = "the cosines do not rise with the labels: are these the right columns?";
    EvalError::Unfit(unfit.to_owned())
}

fn check_binary(labels: &[f64]) -> Result<(), EvalError> {
    let same = labels.iter().filter(|label| **label > 0.5).count();
    let different = labels.len() - same;
    if labels.len() < MIN_PAIRS || same.min(different) < MIN_OF_A_LABEL {
        return Err(EvalError::Unfit(format!(
            "{same} pairs of label 1 and {different} of label 0 are too few: at least {MIN_PAIRS} \
             are needed, and {MIN_OF_A_LABEL} of either"
        )));
    }
    Ok(())
}

fn check_ratings(labels: &[f64]) -> Result<(), EvalError> {
    let mut different = labels.to_vec();
    different.sort_by(f64::total_cmp);
    different.dedup();
    let count = |rating: &f64| {
        labels
            .iter()
            .filter(|label| label.total_cmp(rating).is_eq())
            .count()
    };
    let most = different.iter().map(count).max().unwrap_or(0);
    let (pairs, ratings, others) = (labels.len(), different.len(), labels.len() - most);
    if pairs < MIN_PAIRS || ratings < MIN_RATINGS || others < MIN_OF_A_LABEL {
        return Err(EvalError::Unfit(format!(
            "{pairs} pairs of {ratings} different ratings are too few: at least {MIN_PAIRS} are \
             needed, of {MIN_RATINGS} different ratings, and {MIN_OF_A_LABEL} besides the most \
             frequent one; labels of two kinds have to be 0 and 1"
        )));
    }
    Ok(())
}

/// Matches the distributions: the score at a quantile of the cosines is the rating at the same
/// quantile. Equal ones lie in the middle of their ranks.
fn ratings(cosines: &[f64], labels: &[f64], least: f64, greatest: f64) -> Option<Calibration> {
    let cosines = levels(&sorted(cosines));
    let levels = levels(&sorted(labels));
    let knots = (0..KNOTS).map(|knot| {
        let share = (as_f64(knot) + 0.5) / as_f64(KNOTS);
        let cosine = interpolate(&cosines, share);
        let rating = interpolate(&levels, share);
        let score = 100.0 * (rating - least) / (greatest - least);
        (cosine, score)
    });
    let mut increasing: Vec<(f64, f64)> = Vec::with_capacity(KNOTS);
    for (cosine, score) in knots {
        // Ratings that many pairs share give equal scores, of which each is a little higher.
        let lowest = MARGIN * as_f64(increasing.len() + 1) / as_f64(KNOTS);
        let highest = 100.0 - MARGIN * as_f64(KNOTS - increasing.len()) / as_f64(KNOTS);
        let before = increasing
            .last()
            .map_or(lowest, |(_, before)| before + MARGIN / as_f64(KNOTS));
        let score = score.max(before).min(highest);
        // The ends of the scale are knots already.
        let is_inner = cosine > -1.0 && cosine < 1.0;
        if is_inner && increasing.last().is_none_or(|(before, _)| *before < cosine) {
            increasing.push((cosine, score));
        }
    }
    Calibration::ratings(increasing).ok()
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Different values of sorted ones, each at the middle of its shares.
fn levels(sorted: &[f64]) -> Vec<(f64, f64)> {
    let mut before = 0;
    let equal = sorted.chunk_by(|one, other| one.total_cmp(other).is_eq());
    let levels = equal.map(|equal| {
        let middle = as_f64(2 * before + equal.len()) / as_f64(2 * sorted.len());
        before += equal.len();
        (middle, equal[0])
    });
    levels.collect()
}

/// Value at `x` on the line through points; beyond them, that of the outer ones.
fn interpolate(points: &[(f64, f64)], x: f64) -> f64 {
    let index = points.partition_point(|(at, _)| *at <= x);
    let before = index.checked_sub(1).and_then(|index| points.get(index));
    match (before, points.get(index)) {
        (Some((x0, y0)), Some((x1, y1))) => y0 + (y1 - y0) * (x - x0) / (x1 - x0),
        (Some((_, y)), None) | (None, Some((_, y))) => *y,
        (None, None) => 0.0,
    }
}

/// Fits beta calibration. A weight that would be below 0 is 0: the other one then fits alone.
fn probability(cosines: &[f64], labels: &[f64]) -> Option<Calibration> {
    let features = |lower: f64, upper: f64| -> Vec<[f64; 3]> {
        let features = |cosine: &f64| {
            let x = f64::midpoint(1.0, *cosine).clamp(NEAREST, 1.0 - NEAREST);
            [lower * x.ln(), -upper * (1.0 - x).ln(), 1.0]
        };
        cosines.iter().map(features).collect()
    };
    let targets = targets(labels);
    let [a, b, c] = logistic_regression(&features(1.0, 1.0), &targets)?;
    let fitted = if a < 0.0 {
        logistic_regression(&features(0.0, 1.0), &targets)?
    } else if b < 0.0 {
        logistic_regression(&features(1.0, 0.0), &targets)?
    } else {
        [a, b, c]
    };
    Calibration::probability(fitted).ok()
}

/// Targets of Platt (1999), which keep a fit finite if the cosines separate the labels.
fn targets(labels: &[f64]) -> Vec<f64> {
    let same = as_f64(labels.iter().filter(|label| **label > 0.5).count());
    let different = as_f64(labels.len()) - same;
    let target = |label: &f64| {
        if *label > 0.5 {
            (same + 1.0) / (same + 2.0)
        } else {
            1.0 / (different + 2.0)
        }
    };
    labels.iter().map(target).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cosines that rise evenly from 0.2 to 0.9.
    fn cosines(count: usize) -> Vec<f64> {
        (0..count)
            .map(|n| 0.2 + 0.7 * as_f64(n) / as_f64(count))
            .collect()
    }

    #[test]
    fn ratings_are_matched_by_their_quantiles() {
        let cosines = cosines(600);
        let labels: Vec<f64> = (0..600).map(|n| as_f64(n / 100)).collect();
        let (least, greatest) = (0.0, 5.0);
        let fitted = fit(&cosines, &labels, Labels::Rated { least, greatest }).unwrap();
        // The middle of the pairs that are rated 2 is at a share of 250 in 600.
        for (rating, middle) in [(1.0, 150), (2.0, 250), (3.0, 350), (4.0, 450)] {
            #[expect(clippy::cast_possible_truncation, reason = "a cosine")]
            let score = fitted.score(cosines[middle] as f32);
            assert!((score - 20.0 * rating).abs() < 1.0, "{rating} {score}");
        }
        assert!(fitted.score(0.89) < fitted.score(0.95));
    }

    #[test]
    fn probabilities_are_found_again() {
        // As many of each label as the probability says.
        let map = Calibration::probability([3.0, 1.5, -2.0]).unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "a cosine")]
        let p = |cosine: f64| map.score(cosine as f32);
        let (mut all, mut labels) = (Vec::new(), Vec::new());
        for cosine in cosines(70) {
            for n in 0..100 {
                all.push(cosine);
                labels.push(f64::from(u8::from(as_f64(n) + 0.5 < p(cosine))));
            }
        }
        let fitted = fit(&all, &labels, Labels::Binary).unwrap();
        for cosine in [0.3_f32, 0.5, 0.8] {
            let expected = p(f64::from(cosine));
            assert!((fitted.score(cosine) - expected).abs() < 0.5, "{cosine}");
        }
        // Labels that are separated have a finite fit, and so have pairs of the same text.
        let labels: Vec<f64> = all.iter().map(|c| f64::from(u8::from(*c > 0.5))).collect();
        all[0] = 1.0;
        assert!(fit(&all, &labels, Labels::Binary).is_ok());
    }

    #[test]
    fn what_cannot_be_fitted_is_refused_with_what_is_needed() {
        let cosines = cosines(200);
        let refused = |labels: Vec<f64>, kind| {
            let count = labels.len();
            fit(&cosines[..count], &labels, kind)
                .unwrap_err()
                .to_string()
        };
        let few = refused(vec![0.0; 50], Labels::Binary);
        assert!(few.contains("at least 100"), "{few}");
        let mut one_sided = vec![0.0; 200];
        one_sided[..19].fill(1.0);
        let one_sided = refused(one_sided, Labels::Binary);
        assert!(one_sided.contains("19 pairs of label 1") && one_sided.contains("20 of either"));
        let (least, greatest) = (0.0, 5.0);
        let rated = Labels::Rated { least, greatest };
        let two = refused((0..200).map(|n| as_f64(5 * (n / 100))).collect(), rated);
        assert!(two.contains("of 3 different ratings"), "{two}");
        let falling = (0..200).map(|n| f64::from(u8::from(n < 100))).collect();
        assert!(refused(falling, Labels::Binary).contains("do not rise"));
        let falling = (0..200).map(|n| as_f64(5 - n / 40)).collect();
        assert!(refused(falling, rated).contains("do not rise"));
        let mut one_sided = vec![0.0; 200];
        one_sided[198..].copy_from_slice(&[2.0, 5.0]);
        assert!(refused(one_sided, rated).contains("20 besides the most frequent"));
    }

    #[test]
    fn many_pairs_of_the_same_text_are_fitted() {
        let mut cosines = cosines(200);
        cosines[170..].fill(1.0);
        let labels: Vec<f64> = (0..200).map(|n| as_f64(n / 40)).collect();
        let (least, greatest) = (0.0, 4.0);
        let fitted = fit(&cosines, &labels, Labels::Rated { least, greatest }).unwrap();
        assert!(fitted.score(0.75) < fitted.score(0.9));
    }
}
