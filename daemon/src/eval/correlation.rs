//! Correlations, as MTEB's task STS has them.

/// Average ranks of values, from 1; equal values share the mean of their ranks.
pub(crate) fn average_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|one, other| values[*one].total_cmp(&values[*other]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for equal in order.chunk_by(|one, other| values[*one].total_cmp(&values[*other]).is_eq()) {
        let rank = as_f64(2 * before + equal.len() + 1) / 2.0;
        for index in equal {
            ranks[*index] = rank;
        }
        before += equal.len();
    }
    ranks
}

/// Pearson's correlation; 0 if one side is constant.
pub(super) fn pearson(x: &[f64], y: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / as_f64(values.len().max(1));
    let (mean_x, mean_y) = (mean(x), mean(y));
    let [mut xy, mut xx, mut yy] = [0.0; 3];
    for (x, y) in x.iter().zip(y) {
        let (dx, dy) = (x - mean_x, y - mean_y);
        xy += dx * dy;
        xx += dx * dx;
        yy += dy * dy;
    }
    let spread = (xx * yy).sqrt();
    if spread > 0.0 { xy / spread } else { 0.0 }
}

/// Spearman's correlation: Pearson's of the average ranks.
pub(super) fn spearman(x: &[f64], y: &[f64]) -> f64 {
    pearson(&average_ranks(x), &average_ranks(y))
}

/// A count as a number.
pub(super) fn as_f64(count: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 pairs")]
    let number = count as f64;
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_their_ranks() {
        assert_eq!(
            average_ranks(&[3.0, 1.0, 3.0, 2.0, 3.0]),
            [4.0, 1.0, 4.0, 2.0, 4.0]
        );
        assert_eq!(average_ranks(&[]), [0.0; 0]);
    }

    #[test]
    fn correlations_are_those_of_their_formulas() {
        // Worked out apart from this code, in Python.
        let (x, y) = ([1.0, 2.0, 3.0, 4.0, 4.0], [2.0, 1.0, 4.0, 3.0, 9.0]);
        assert!((pearson(&x, &y) - 0.664_895_565_330_100_3).abs() < 1e-12);
        assert!((spearman(&x, &y) - 0.718_184_846_459_607_9).abs() < 1e-12);
        assert_eq!(pearson(&x, &[1.0; 5]).to_bits(), 0.0_f64.to_bits());
    }
}
