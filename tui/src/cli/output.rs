//! Output: rows on stdout, and warnings about their texts on stderr.

use gte_shared::score::{CalibrationState, ScoreKind};
use gte_shared::wire::json::Source;
use gte_shared::wire::{ModelInfo, PairScore, TextInfo, TextOptions};
use serde::Serialize;

use super::global::Global;
use super::input::Faulty;
use super::messages::say;

/// A row with the model and the time of its result.
#[derive(Serialize)]
pub(super) struct WithSource<'a, T> {
    #[serde(flatten)]
    pub(super) row: T,
    #[serde(flatten)]
    pub(super) source: Source<'a>,
}

/// A JSON row of a line without a result.
#[derive(Serialize)]
pub(super) struct NullRow {
    line: u64,
    result: (),
    error: String,
}

impl NullRow {
    pub(super) fn new(faulty: &Faulty) -> Self {
        Self {
            line: faulty.number,
            result: (),
            error: faulty.error.to_string(),
        }
    }
}

/// Columns of a score: similarity, cosine and verdict.
pub(super) fn score_columns(global: &Global, score: &PairScore) -> String {
    let verdict = global.interpretation(score.verdict);
    format!("{:.2}\t{}\t{verdict}", score.similarity, score.cosine)
}

/// Says on stderr that scores are not calibrated, or from published figures alone, unless the user
/// has asked for raw ones. JSON rows have fields for this instead.
pub(super) fn note_scale(global: &Global, model: &ModelInfo, options: &TextOptions) {
    if global.json || options.score == ScoreKind::Raw {
        return;
    }
    let id = &model.id;
    match model.scale.calibration {
        CalibrationState::Uncalibrated => say(&format!(
            "scores of {id} are not calibrated: they are 100 x cosine; see `gted calibrate --help`"
        )),
        CalibrationState::Provisional => say(&format!(
            "scores of {id} are calibrated provisionally, from published figures alone"
        )),
        CalibrationState::Shipped | CalibrationState::Fitted => {}
    }
}

/// Warns on stderr of what the model has not read, or does not know. JSON rows have fields for this
/// instead.
pub(super) fn warn(global: &Global, location: &str, text: &TextInfo) {
    if global.json {
        return;
    }
    let TextInfo {
        tokens,
        total_tokens,
        unknown,
        ..
    } = text;
    if let Some(cut_at) = text.cut_at {
        say(&format!(
            "{location}: the text was cut at character {cut_at}, {tokens} of its {total_tokens} \
             tokens were read"
        ));
    }
    if text.is_mostly_unknown() {
        say(&format!(
            "{location}: the model does not know more than a third of the text ({unknown} unknown \
             tokens)"
        ));
    }
}

/// Warns on stderr that the model cannot tell two texts apart.
pub(super) fn warn_if_same(global: &Global, location: &str, same_tokens: bool) {
    if same_tokens && !global.json {
        say(&format!(
            "{location}: the texts differ, but not in what the model reads of them"
        ));
    }
}
