//! Drawing of the explanation: a line for each word of both texts.

use gte_shared::printable::printable;
use gte_shared::score::Verdict;
use gte_shared::wire::{Computed, ExplainedWord, Explanation};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use crate::app::{Explained, State};
use crate::strings::Strings;
use crate::ui::overlay::{self, MARGIN, wrap};
use crate::ui::theme::Theme;

/// Most cells of a word.
const WORD_CELLS: usize = 20;

/// Cells of a line besides its two words and its bar.
const OTHER_CELLS: usize = 24;

/// Those of them that belong to the closest word: the arrow and the cosine.
const CLOSEST_CELLS: usize = 13;

/// Most cells of a bar.
const BAR_CELLS: usize = 10;

/// Cells between a cosine and its bar.
const GAP: usize = 2;

/// Points of a score below which a word makes no difference.
const NO_EFFECT: f64 = 0.5;

/// Most characters of a word: more than any screen shows.
const WORD_CHARS: usize = 200;

/// Draws the explanation if it is open.
pub(crate) fn draw(state: &State, theme: Theme, frame: &mut Frame, screen: Rect) {
    let strings = state.language.strings();
    let width = usize::from(screen.width).saturating_sub(2 * MARGIN).max(1);
    let (lines, first) = match &state.explanation.shown {
        None => return,
        Some(Explained::Missing) => (vec![Line::raw(strings.waiting)], 0),
        Some(Explained::Computing) => (vec![Line::styled(strings.computing, theme.quiet())], 0),
        Some(Explained::Blank) => (vec![Line::styled(strings.blank, theme.warning())], 0),
        Some(Explained::Failed(error)) => {
            let error = format!("{}: {error}", strings.failed);
            let lines = wrap(&error, width).into_iter();
            let lines = lines.map(|line| Line::styled(line, theme.warning()));
            (lines.collect(), 0)
        }
        Some(Explained::Words(computed)) => (
            words(state, computed, strings, theme, width),
            state.explanation.first_line,
        ),
    };
    overlay::draw(
        strings.explanation_title,
        lines,
        first,
        theme,
        frame,
        screen,
    );
}

/// Lines of an explanation: the score, the words of A and of B, and a note.
fn words(
    state: &State,
    computed: &Computed<Explanation>,
    strings: &Strings,
    theme: Theme,
    width: usize,
) -> Vec<Line<'static>> {
    let Explanation { score, a, b } = &computed.result;
    let table = Table::of(&computed.result, width);
    let verdict = state.language.verdict(score.verdict);
    let mut lines = vec![Line::from(vec![
        Span::styled(
            format!("{:.2}  {verdict}", score.similarity),
            theme.verdict(score.verdict),
        ),
        Span::styled(format!("   {}", computed.model.id), theme.quiet()),
    ])];
    for (name, words, others) in [("A", a, b), ("B", b, a)] {
        lines.push(Line::styled(name, theme.active()));
        let row = |(index, word)| table.row(index, word, others, score.similarity, theme);
        lines.extend(words.iter().enumerate().map(row));
    }
    let notes = strings.explanation_notes.iter();
    lines.extend(notes.map(|note| Line::styled(*note, theme.quiet())));
    lines
}

/// Widths of the columns.
struct Table {
    word_cells: usize,
    bar_cells: usize,
    /// Largest effect of a word, whose bar is the longest.
    largest: f64,
}

impl Table {
    /// Widths in lines of `width` cells: the bar is cut first.
    fn of(explanation: &Explanation, width: usize) -> Self {
        let all = || explanation.a.iter().chain(&explanation.b);
        let widest = all().map(|word| word.word.width()).max().unwrap_or(0);
        let room = width.saturating_sub(OTHER_CELLS);
        let word_cells = widest.min(WORD_CELLS).min(room / 2);
        let effects = all().filter_map(|word| word.effect(explanation.score.similarity));
        Self {
            word_cells,
            bar_cells: BAR_CELLS.min(room.saturating_sub(2 * word_cells + GAP)),
            largest: effects.map(f64::abs).fold(NO_EFFECT, f64::max),
        }
    }

    /// Line of a word: the points that the score gains by it, the closest word and the cosine of
    /// the two, and a bar. Two words that are each other's closest are joined by `<->`.
    fn row(
        &self,
        index: usize,
        word: &ExplainedWord,
        others: &[ExplainedWord],
        score: f64,
        theme: Theme,
    ) -> Line<'static> {
        let effect = word.effect(score);
        let style = style(effect, theme);
        let points = effect.map(|effect| format!("{effect:+.2}"));
        let mut spans = vec![
            Span::styled(format!("  {}", fit(&word.word, self.word_cells)), style),
            Span::styled(format!("{:>9}", points.unwrap_or_default()), style),
        ];
        let closest = word.closest.and_then(|closest| {
            let other = others.get(closest.index as usize)?;
            Some((closest.cosine, other))
        });
        let (columns, joined) = match closest {
            Some((cosine, other)) => {
                let back = other.closest.map(|closest| closest.index as usize);
                let (arrow, joined) = if back == Some(index) {
                    ("<->", Style::new())
                } else {
                    (" ->", theme.quiet())
                };
                let other = fit(&other.word, self.word_cells);
                (format!("  {arrow} {other} {cosine:>6.3}"), joined)
            }
            None => (" ".repeat(CLOSEST_CELLS + self.word_cells), Style::new()),
        };
        spans.push(Span::styled(columns, joined));
        let gap = " ".repeat(GAP);
        spans.push(Span::styled(gap + &self.bar(effect), style));
        Line::from(spans)
    }

    /// Bar of an effect: `+` for points that the score gains, `-` for those that it loses.
    fn bar(&self, effect: Option<f64>) -> String {
        let effect = effect.unwrap_or_default();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "between 0 and the width of the bar"
        )]
        let cells = (effect.abs() / self.largest * self.bar_cells as f64).round() as usize;
        let sign = if effect > 0.0 { "+" } else { "-" };
        sign.repeat(cells.min(self.bar_cells))
    }
}

/// Style of a word: that of a high score if the score gains by it, of a low one if it loses.
fn style(effect: Option<f64>, theme: Theme) -> Style {
    match effect {
        Some(effect) if effect >= NO_EFFECT => theme.verdict(Verdict::High),
        Some(effect) if effect <= -NO_EFFECT => theme.verdict(Verdict::Low),
        _ => Style::new(),
    }
}

/// A word in as many cells: cut, or padded with spaces.
fn fit(word: &str, cells: usize) -> String {
    let mut fitting = String::new();
    for character in printable(word, WORD_CHARS).chars() {
        fitting.push(character);
        // Some characters change the width of the one before.
        if fitting.width() > cells {
            fitting.pop();
            break;
        }
    }
    let rest = cells.saturating_sub(fitting.width());
    fitting + &" ".repeat(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_and_padded_to_their_cells() {
        assert_eq!(fit("退款", 6), "退款  ");
        assert_eq!(fit("退款流程", 5), "退款 ");
        assert_eq!(fit("甲\n乙", 12), "甲\\u{a}乙   ");
    }

    #[test]
    fn the_largest_effect_has_the_longest_bar() {
        let table = Table {
            word_cells: 4,
            bar_cells: 10,
            largest: 20.0,
        };
        let bar = |effect| table.bar(Some(effect));
        assert_eq!(
            [bar(20.0), bar(-10.0), bar(0.1)],
            ["++++++++++", "-----", ""]
        );
        assert_eq!(table.bar(None), "");
    }
}
