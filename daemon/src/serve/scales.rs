//! The scales on which a model's scores can be read.

use std::sync::Arc;

use gte_shared::score::{Calibration, CalibrationState, Scale, ScoreKind, raw};
use gte_shared::wire::TextSteps;

/// A calibration of a model.
#[derive(Clone, Debug)]
pub struct ModelScale {
    /// Steps before the texts that it was made with; `None` if it stands for all.
    pub text_steps: Option<TextSteps>,
    /// The map from cosines to scores.
    pub map: Arc<Calibration>,
    /// Its source.
    pub state: CalibrationState,
}

/// The calibrations of a model, the preferred ones first.
#[derive(Clone, Debug, Default)]
pub struct Scales(pub Vec<ModelScale>);

/// A scale in use.
#[derive(Clone, Debug)]
pub(super) struct Scoring {
    map: Option<Arc<Calibration>>,
    /// Description for clients.
    pub(super) scale: Scale,
}

impl Scales {
    /// Scale of texts that were read with these steps, without options.
    #[must_use]
    pub fn scale(&self, steps: TextSteps) -> Scale {
        self.scoring(steps, ScoreKind::Calibrated).scale
    }

    pub(super) fn scoring(&self, steps: TextSteps, kind: ScoreKind) -> Scoring {
        let fits = |of: &&ModelScale| of.text_steps.is_none_or(|of| of == steps);
        let found = match kind {
            ScoreKind::Calibrated => self.0.iter().find(fits),
            ScoreKind::Raw => None,
        };
        Scoring {
            map: found.map(|found| Arc::clone(&found.map)),
            scale: found.map_or_else(Scale::default, |found| Scale::of(&found.map, found.state)),
        }
    }
}

impl Scoring {
    /// Score of a cosine, between 0 and 100.
    pub(super) fn score(&self, cosine: f32) -> f64 {
        let map = self.map.as_ref();
        map.map_or_else(|| raw(cosine), |map| map.score(cosine))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use gte_shared::score::Meaning;
    use gte_shared::wire::TextStep;

    use super::*;

    #[test]
    fn a_scale_is_that_of_the_steps_and_the_first() {
        let scale = |text_steps, score, state| ModelScale {
            text_steps,
            map: Arc::new(Calibration::ratings(vec![(0.5, score)]).unwrap()),
            state,
        };
        let lowercase = TextSteps::NONE.with(TextStep::Lowercase);
        let scales = Scales(vec![
            scale(Some(lowercase), 10.0, CalibrationState::Fitted),
            scale(Some(lowercase), 20.0, CalibrationState::Shipped),
            scale(None, 30.0, CalibrationState::Provisional),
        ]);
        for (steps, kind, score, state) in [
            (
                lowercase,
                ScoreKind::Calibrated,
                10.0,
                CalibrationState::Fitted,
            ),
            (
                TextSteps::NONE,
                ScoreKind::Calibrated,
                30.0,
                CalibrationState::Provisional,
            ),
            (
                lowercase,
                ScoreKind::Raw,
                50.0,
                CalibrationState::Uncalibrated,
            ),
        ] {
            let scoring = scales.scoring(steps, kind);
            assert!((scoring.score(0.5) - score).abs() < 1e-9);
            assert_eq!(scoring.scale.calibration, state);
        }
        let none = Scales::default().scale(lowercase);
        assert_eq!(none.meaning, Meaning::Cosine);
    }
}
