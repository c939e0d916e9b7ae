//! A request about two sentences.

use axum::http::StatusCode;
use gte_shared::score::ScoreKind;
use gte_shared::wire::{TextOptions, TextSteps, Truncation};
use serde::Deserialize;

use super::super::exchange::decode;
use super::super::failure::Failure;
use super::score_query::one_score;
use crate::serve::selected::Models;

/// Body of a request about two sentences.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    sentence_a: Option<String>,
    sentence_b: Option<String>,
    score: Option<ScoreKind>,
    model: Option<String>,
    text_steps: Option<TextSteps>,
    truncation: Option<Truncation>,
}

/// Two sentences that are not blank.
pub(super) struct Pair {
    pub(super) a: String,
    pub(super) b: String,
    pub(super) options: TextOptions,
}

impl Pair {
    /// Decodes a pair; `score` is that of the request's query.
    pub(super) fn decode(
        bytes: &[u8],
        score: Option<ScoreKind>,
        models: &dyn Models,
    ) -> Result<Self, Failure> {
        let body: Body = decode(bytes)?;
        let options = TextOptions {
            text_steps: body.text_steps,
            truncation: body.truncation,
            score: one_score(score, body.score)?,
            model: body.model.and_then(|name| models.resolve(&name)),
        };
        // Spaces around a sentence do not count, and leave its offsets as they are.
        let sentence = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        match (sentence(body.sentence_a), sentence(body.sentence_b)) {
            (Some(a), Some(b)) => Ok(Self { a, b, options }),
            _ => Err(missing()),
        }
    }
}

/// The article's refusal of a request without one of the sentences.
fn missing() -> Failure {
    let message = "Missing sentence_a or sentence_b";
    Failure::new(StatusCode::BAD_REQUEST, "blank_text", message)
}
