//! Output: data on stdout, warnings on stderr.

use std::io::{self, Write};

use gte_shared::wire::json::Source;
use gte_shared::wire::{PairScore, TextInfo};
use serde::Serialize;

use super::global::Global;

/// A row with the model and the time.
#[derive(Serialize)]
pub(super) struct WithSource<'a, T> {
    #[serde(flatten)]
    pub(super) row: T,
    #[serde(flatten)]
    pub(super) source: Source<'a>,
}

/// Writes one JSON object and a line feed.
pub(super) fn json_line(out: &mut impl Write, object: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(object)?;
    line.push(b'\n');
    out.write_all(&line)
}

/// The columns of a score: similarity, cosine and verdict.
pub(super) fn score_columns(global: &Global, score: &PairScore) -> String {
    let word = global.interpretation(score.verdict);
    format!("{:.2}\t{}\t{word}", score.similarity, score.cosine)
}

/// Warns on stderr that a text was cut; in JSON the object itself says so.
pub(super) fn warn_if_cut(global: &Global, place: &str, text: TextInfo) {
    if text.truncated && !global.json {
        let tokens = text.tokens;
        say(&format!(
            "{place}: the text was cut, only its first {tokens} tokens were read"
        ));
    }
}

/// Prints a message on stderr. A closed stderr does not end the output on stdout.
pub(super) fn say(message: &str) {
    drop(writeln!(io::stderr(), "gte: {message}"));
}
