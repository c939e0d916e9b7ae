//! Calibration: a strictly increasing map from cosines to scores between 0 and 100.

use serde::{Deserialize, Serialize};

use super::meaning::Meaning;

/// Score of a cosine of -1 on a scale of ratings.
const LOWEST: (f64, f64) = (-1.0, 0.0);

/// Score of a cosine of 1, of the same text, on a scale of ratings.
const HIGHEST: (f64, f64) = (1.0, 100.0);

/// A map from cosines to scores between 0 and 100 that increases strictly, as far as f64 tells its
/// values apart, so that it never changes an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", try_from = "Map", into = "Map")]
pub struct Calibration(Map);

/// The map as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Map {
    /// Scores that read as people's ratings: straight lines between knots (cosine, score), from 0
    /// at -1 to 100 at 1.
    Ratings(Vec<(f64, f64)>),
    /// Scores that are probabilities of "the same", times 100, by beta calibration (Kull, Silva
    /// Filho and Flach 2017): the logistic function of a ln x - b ln(1 - x) + c, where x is the
    /// cosine's place between -1 and 1.
    Probability {
        /// Weight of the lower end, not below 0.
        a: f64,
        /// Weight of the upper end, not below 0 either; one of the two is above it.
        b: f64,
        /// Constant.
        c: f64,
    },
}

/// Fault of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a calibration has to increase strictly")]
pub struct CalibrationError;

impl Calibration {
    /// Makes a map to ratings from its inner knots (cosine, score).
    ///
    /// # Errors
    ///
    /// If the knots do not increase strictly, between (-1, 0) and (1, 100).
    pub fn ratings(knots: Vec<(f64, f64)>) -> Result<Self, CalibrationError> {
        Map::Ratings(knots).try_into()
    }

    /// Makes a map to probabilities.
    ///
    /// # Errors
    ///
    /// If a weight is below 0, or both are 0.
    pub fn probability([a, b, c]: [f64; 3]) -> Result<Self, CalibrationError> {
        Map::Probability { a, b, c }.try_into()
    }

    /// Meaning of the scores.
    #[must_use]
    pub fn meaning(&self) -> Meaning {
        match self.0 {
            Map::Ratings(_) => Meaning::Rating,
            Map::Probability { .. } => Meaning::Probability,
        }
    }

    /// Score of a cosine within [-1, 1].
    #[must_use]
    pub fn score(&self, cosine: f32) -> f64 {
        let cosine = f64::from(cosine).clamp(-1.0, 1.0);
        match &self.0 {
            Map::Ratings(knots) => {
                let index = knots.partition_point(|(knot, _)| *knot <= cosine);
                let before = index.checked_sub(1).and_then(|index| knots.get(index));
                let (x0, y0) = *before.unwrap_or(&LOWEST);
                let (x1, y1) = *knots.get(index).unwrap_or(&HIGHEST);
                y0 + (y1 - y0) * (cosine - x0) / (x1 - x0)
            }
            Map::Probability { a, b, c } => {
                let x = f64::midpoint(1.0, cosine);
                // At an end, its logarithm is infinite, and the probability is 0 or 1.
                let weighted = |weight: f64, x: f64| {
                    if weight > 0.0 { weight * x.ln() } else { 0.0 }
                };
                100.0 / (1.0 + (weighted(*b, 1.0 - x) - weighted(*a, x) - c).exp())
            }
        }
    }
}

impl TryFrom<Map> for Calibration {
    type Error = CalibrationError;

    fn try_from(map: Map) -> Result<Self, CalibrationError> {
        let increases = match &map {
            Map::Ratings(knots) => {
                let all = [&[LOWEST], &knots[..], &[HIGHEST]].concat();
                all.windows(2)
                    .all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1)
            }
            Map::Probability { a, b, c } => {
                let are_finite = [a, b, c].into_iter().all(|value| value.is_finite());
                are_finite && a.min(*b) >= 0.0 && a.max(*b) > 0.0
            }
        };
        increases.then_some(Self(map)).ok_or(CalibrationError)
    }
}

impl From<Calibration> for Map {
    fn from(Calibration(map): Calibration) -> Self {
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-6
    }

    #[test]
    fn ratings_run_from_0_to_100_through_their_knots() {
        let map = Calibration::ratings(vec![(0.25, 10.0), (0.75, 90.0)]).unwrap();
        for (cosine, score) in [
            (-1.0, 0.0),
            (-0.375, 5.0),
            (0.25, 10.0),
            (0.5, 50.0),
            (0.75, 90.0),
            (0.875, 95.0),
            (1.0, 100.0),
        ] {
            assert!(close(map.score(cosine), score), "{cosine}");
        }
        assert_eq!(map.meaning(), Meaning::Rating);
    }

    #[test]
    fn probabilities_are_those_of_beta_calibration() {
        // With weights of 1 it is the odds x / (1 - x), here 3 at a cosine of 0.5.
        let map = Calibration::probability([1.0, 1.0, 0.0]).unwrap();
        assert!(close(map.score(0.5), 75.0));
        assert!(close(map.score(0.0), 50.0));
        let of_ends = [map.score(-1.0), map.score(1.0)];
        assert!(close(of_ends[0], 0.0) && close(of_ends[1], 100.0));
        let upper = Calibration::probability([0.0, 1.0, -2.0_f64.ln()]).unwrap();
        assert!(close(upper.score(-1.0), 100.0 / 3.0));
    }

    #[test]
    fn what_does_not_increase_is_refused() {
        for knots in [
            vec![(0.5, 50.0), (0.4, 60.0)],
            vec![(0.4, 60.0), (0.5, 60.0)],
            vec![(1.0, 99.0)],
            vec![(0.0, 0.0)],
            vec![(f64::NAN, 1.0)],
        ] {
            assert!(Calibration::ratings(knots).is_err());
        }
        for values in [
            [0.0, 0.0, 1.0],
            [-1.0, 1.0, 0.0],
            [0.0, f64::NAN, 0.0],
            [1.0, 1.0, f64::INFINITY],
        ] {
            assert!(Calibration::probability(values).is_err());
        }
        let json = r#"{"ratings":[[0.5,50.0]]}"#;
        let map: Calibration = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&map).unwrap(), json);
        assert!(serde_json::from_str::<Calibration>(r#"{"ratings":[[2,50]]}"#).is_err());
    }

    #[test]
    fn order_is_kept_however_close_two_cosines_are() {
        let maps = [
            Calibration::ratings(vec![(0.3, 1.0), (0.31, 98.0), (0.9, 99.0)]).unwrap(),
            Calibration::probability([5.0, 1.5, -2.0]).unwrap(),
        ];
        for map in maps {
            for start in [-0.99_f32, 0.01, 0.299_999, 0.5, 0.899_99, 0.95] {
                let mut cosine = start;
                for _ in 0..100 {
                    assert!(map.score(cosine) < map.score(cosine.next_up()), "{cosine}");
                    cosine = cosine.next_up();
                }
            }
        }
    }
}
