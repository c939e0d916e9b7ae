//! What goes to stdout, and what is said besides.

use std::io::{self, Write};

use gte_shared::wire::{PairScore, TextInfo};
use serde::Serialize;

use super::Global;

/// Writes one JSON object and a line feed.
pub(super) fn json_line(out: &mut impl Write, object: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(object)?;
    line.push(b'\n');
    out.write_all(&line)
}

/// The columns of a score: similarity, cosine and verdict.
pub(super) fn score_columns(global: &Global, score: &PairScore) -> String {
    let word = global.interpretation(score.label);
    format!("{:.2}\t{}\t{word}", score.similarity, score.cosine)
}

/// Says on stderr that a text was cut; in JSON the object itself says so.
pub(super) fn warn_if_cut(global: &Global, place: &str, text: TextInfo) {
    if text.truncated && !global.json {
        let tokens = text.tokens;
        say(&format!(
            "{place}: the text was cut, only its first {tokens} tokens were read"
        ));
    }
}

/// Says something on stderr. That nobody listens there must not end what goes to stdout.
pub(super) fn say(words: &str) {
    drop(writeln!(io::stderr(), "gte: {words}"));
}
