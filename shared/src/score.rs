//! Score between 0 and 100 and verdict of a cosine. Pure functions.
//!
//! The scale and the two thresholds are those of the article that this project starts from:
//! `100 × cosine` with two decimals, 高度相似 above 75, 中等相似 above 50, else 差异较大.

use serde::{Deserialize, Serialize};

/// Score above which the verdict is [`Verdict::High`].
pub const HIGH_ABOVE: f64 = 75.0;

/// Score above which, up to [`HIGH_ABOVE`], the verdict is [`Verdict::Medium`].
pub const MEDIUM_ABOVE: f64 = 50.0;

/// Verdict on a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// 差异较大
    Low,
    /// 中等相似
    Medium,
    /// 高度相似
    High,
}

impl Verdict {
    /// Returns the verdict on a score between 0 and 100.
    #[must_use]
    pub fn of(similarity: f64) -> Self {
        if similarity > HIGH_ABOVE {
            Self::High
        } else if similarity > MEDIUM_ABOVE {
            Self::Medium
        } else {
            Self::Low
        }
    }

    /// Text of the verdict, from the article.
    #[must_use]
    pub fn interpretation(self) -> &'static str {
        match self {
            Self::High => "高度相似",
            Self::Medium => "中等相似",
            Self::Low => "差异较大",
        }
    }
}

/// Score of a cosine: `100 × cosine`, not below 0, rounded to two decimals.
///
/// The verdict is that of the rounded score, so that score and verdict never contradict each other.
#[must_use]
pub fn similarity(cosine: f32) -> f64 {
    (f64::from(cosine).clamp(0.0, 1.0) * 10_000.0).round() / 100.0
}

/// Cosine similarity of two vectors of unit length, within [-1, 1].
///
/// Sums in f64, so that the order of the additions does not change the rounded result. Equal
/// vectors give exactly 1.
#[must_use]
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    if a == b {
        return 1.0;
    }
    let dot: f64 = a
        .iter()
        .zip(b)
        .map(|(x, y)| f64::from(*x) * f64::from(*y))
        .sum();
    #[expect(clippy::cast_possible_truncation, reason = "within [-1, 1]")]
    let cosine = dot.clamp(-1.0, 1.0) as f32;
    cosine
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_is_the_articles() {
        assert_eq!(similarity(0.927_869_6).to_bits(), 92.79_f64.to_bits());
        assert_eq!(similarity(-0.3).to_bits(), 0.0_f64.to_bits());
        assert_eq!(similarity(1.0).to_bits(), 100.0_f64.to_bits());
    }

    #[test]
    fn thresholds_belong_to_the_lower_verdict() {
        assert_eq!(Verdict::of(75.0), Verdict::Medium);
        assert_eq!(Verdict::of(75.01), Verdict::High);
        assert_eq!(Verdict::of(50.0), Verdict::Low);
        assert_eq!(Verdict::of(50.01), Verdict::Medium);
        // 75.004 is shown as 75.00, and 75.00 is not above 75.
        assert_eq!(Verdict::of(similarity(0.750_04)), Verdict::Medium);
    }

    #[test]
    fn a_vector_with_itself_is_exactly_one() {
        // Their dot product in floating point is not.
        let v = [0.267_261_24_f32, 0.534_522_5, 0.801_783_74];
        assert_eq!(cosine(&v, &v).to_bits(), 1.0_f32.to_bits());
        assert!((cosine(&v, &[-0.267_261_24, -0.534_522_5, -0.801_783_74]) + 1.0).abs() < 1e-6);
    }
}
