//! Words of an explained pair, as columns.

use std::io::{self, Write};

use gte_shared::printable::printable;
use gte_shared::wire::{ExplainedWord, Explanation};

/// Writes a line for each word: its text (A or B), the word, the points that the score gains by it,
/// and the most similar word of the other text with the cosine of the two, separated by tabs.
/// Columns without a value are empty.
pub(super) fn write_words(out: &mut impl Write, explanation: &Explanation) -> io::Result<()> {
    let Explanation { score, a, b } = explanation;
    for (text, words, others) in [("A", a, b), ("B", b, a)] {
        for word in words {
            let effect = word.effect(score.similarity);
            let effect = effect.map(|effect| format!("{effect:+.2}"));
            let closest = closest(word, others);
            let (closest, cosine) = closest.map_or_else(Default::default, |(word, cosine)| {
                (word.as_str(), format!("{cosine:.3}"))
            });
            // A part of several words may have line breaks between them.
            let [word, closest] = [&word.word, closest].map(|word| printable(word, usize::MAX));
            let effect = effect.unwrap_or_default();
            writeln!(out, "{text}\t{word}\t{effect}\t{closest}\t{cosine}")?;
        }
    }
    Ok(())
}

/// The word of the other text that a word is most similar to.
fn closest<'a>(word: &ExplainedWord, others: &'a [ExplainedWord]) -> Option<(&'a String, f32)> {
    let closest = word.closest?;
    let other = others.get(closest.index as usize)?;
    Some((&other.word, closest.cosine))
}
