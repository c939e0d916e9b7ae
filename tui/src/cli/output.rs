//! Output: rows on stdout, and warnings about their texts on stderr.

use gte_shared::wire::json::Source;
use gte_shared::wire::{PairScore, TextInfo};
use serde::Serialize;

use super::global::Global;
use super::messages::say;

/// A row with the model and the time of its result.
#[derive(Serialize)]
pub(super) struct WithSource<'a, T> {
    #[serde(flatten)]
    pub(super) row: T,
    #[serde(flatten)]
    pub(super) source: Source<'a>,
}

/// Columns of a score: similarity, cosine and verdict.
pub(super) fn score_columns(global: &Global, score: &PairScore) -> String {
    let verdict = global.interpretation(score.verdict);
    format!("{:.2}\t{}\t{verdict}", score.similarity, score.cosine)
}

/// Warns on stderr that a text was cut. JSON rows have a field for this instead.
pub(super) fn warn_if_cut(global: &Global, location: &str, text: TextInfo) {
    if text.truncated && !global.json {
        let tokens = text.tokens;
        say(&format!(
            "{location}: the text was cut, only its first {tokens} tokens were read"
        ));
    }
}
