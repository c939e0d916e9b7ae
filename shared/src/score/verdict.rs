//! Verdict on a score.
//!
//! The thresholds are those of the article that this project starts from: 高度相似 above 75, 中等相似
//! above 50, else 差异较大.

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
    /// Returns the verdict on a score between 0 and 100. It is that of the score as it is shown,
    /// with two decimals, so that the two never contradict each other.
    #[must_use]
    pub fn of(similarity: f64) -> Self {
        let shown = (similarity * 100.0).round() / 100.0;
        if shown > HIGH_ABOVE {
            Self::High
        } else if shown > MEDIUM_ABOVE {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_belong_to_the_lower_verdict() {
        assert_eq!(Verdict::of(75.0), Verdict::Medium);
        assert_eq!(Verdict::of(75.01), Verdict::High);
        assert_eq!(Verdict::of(50.0), Verdict::Low);
        assert_eq!(Verdict::of(50.01), Verdict::Medium);
        // 75.004 is shown as 75.00, and 75.00 is not above 75.
        assert_eq!(Verdict::of(75.004), Verdict::Medium);
    }
}
