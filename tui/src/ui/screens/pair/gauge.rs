//! Drawing of the gauge: a scale from 0 to 100 in its three zones, with a pointer at the score.

use gte_shared::score::{HIGH_ABOVE, MEDIUM_ABOVE, Verdict};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::Scored;
use crate::strings::Language;
use crate::ui::theme::Theme;

/// Marks on the scale.
const MARKS: [u8; 5] = [0, 25, 50, 75, 100];

/// Largest width of the scale in cells: two per point, and the last mark.
const MAX_CELLS: u16 = 201;

pub(super) fn draw(
    scored: &Scored,
    language: Language,
    theme: Theme,
    frame: &mut Frame,
    area: Rect,
) {
    if area.width < 3 {
        return;
    }
    let scale = Scale {
        cells: area.width.min(MAX_CELLS),
    };
    let style = theme.verdict(scored.verdict);
    let quiet = theme.quiet();
    let pointer = usize::from(scale.cell(scored.similarity));
    let numbers = Line::styled(scale.numbers(), quiet);
    let bar = scale.bar();
    let (before, at) = bar.split_at(pointer.min(bar.len()));
    let bar = Line::from(vec![
        Span::styled(before.to_owned(), style),
        Span::styled(at.to_owned(), quiet),
    ]);
    let pointer_line = Line::styled(format!("{}^", " ".repeat(pointer)), style);
    // In a low terminal, the zones are omitted first, then the space above, then the numbers.
    let lines = match area.height {
        0 => vec![],
        1 => vec![pointer_over(&scale.bar(), pointer, theme, scored)],
        2 => vec![bar, pointer_line],
        3 => vec![numbers, bar, pointer_line],
        4 => vec![Line::raw(""), numbers, bar, pointer_line],
        _ => {
            let zones = scale.zones(language, scored.verdict, theme);
            vec![Line::raw(""), numbers, bar, pointer_line, zones]
        }
    };
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        frame.render_widget(
            line,
            Rect {
                y,
                height: 1,
                ..area
            },
        );
    }
}

/// Bar and pointer in one line.
fn pointer_over(bar: &str, pointer: usize, theme: Theme, scored: &Scored) -> Line<'static> {
    let (before, at) = bar.split_at(pointer.min(bar.len()));
    let after = at.get(1..).unwrap_or_default();
    Line::from(vec![
        Span::styled(before.to_owned(), theme.quiet()),
        Span::styled("^", theme.verdict(scored.verdict)),
        Span::styled(after.to_owned(), theme.quiet()),
    ])
}

/// A scale from 0 in its first cell to 100 in its last cell.
struct Scale {
    cells: u16,
}

impl Scale {
    /// Cell of a score.
    fn cell(&self, score: f64) -> u16 {
        let last = f64::from(self.cells - 1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and the number of cells"
        )]
        let cell = (score.clamp(0.0, 100.0) / 100.0 * last).round() as u16;
        cell
    }

    /// Bar of the scale: marks, and between them the zone of each cell.
    fn bar(&self) -> String {
        let marks = MARKS.map(|mark| self.cell(mark.into()));
        (0..self.cells)
            .map(|cell| {
                let score = f64::from(cell) / f64::from(self.cells - 1) * 100.0;
                if marks.contains(&cell) {
                    '|'
                } else if score > HIGH_ABOVE {
                    '#'
                } else if score > MEDIUM_ABOVE {
                    '='
                } else {
                    '-'
                }
            })
            .collect()
    }

    /// Verdicts, each centered under its zone; that of the pair is highlighted.
    fn zones(&self, language: Language, verdict: Verdict, theme: Theme) -> Line<'static> {
        let zones = [
            (Verdict::Low, 0.0, MEDIUM_ABOVE),
            (Verdict::Medium, MEDIUM_ABOVE, HIGH_ABOVE),
            (Verdict::High, HIGH_ABOVE, 100.0),
        ];
        let mut spans = Vec::new();
        let mut column = 0;
        for (zone, from, to) in zones {
            let style = if zone == verdict {
                theme.verdict(zone)
            } else {
                theme.quiet()
            };
            let word = Span::styled(language.verdict(zone), style);
            let center = usize::from(self.cell(f64::midpoint(from, to)));
            let start = center.saturating_sub(word.width() / 2);
            // Omits a verdict that would overlap the previous one.
            if start < column {
                continue;
            }
            spans.push(Span::raw(" ".repeat(start - column)));
            column = start + word.width() + 1;
            spans.push(word);
            spans.push(Span::raw(" "));
        }
        Line::from(spans)
    }

    /// Numbers above the marks, each centered on its mark.
    fn numbers(&self) -> String {
        let mut line = String::new();
        for mark in MARKS {
            let number = mark.to_string();
            let center = usize::from(self.cell(mark.into()));
            let start = (center.saturating_sub(number.len() / 2))
                .min(usize::from(self.cells).saturating_sub(number.len()));
            if start >= line.len() {
                line.push_str(&" ".repeat(start - line.len()));
                line.push_str(&number);
            }
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_runs_from_0_to_100() {
        let scale = Scale { cells: 41 };
        assert_eq!([0.0, 50.0, 100.0].map(|s| scale.cell(s)), [0, 20, 40]);
        assert_eq!(scale.bar(), "|---------|---------|=========|#########|");
        assert_eq!(scale.numbers(), "0        25        50        75       100");
    }

    #[test]
    fn a_narrow_scale_still_has_its_zones() {
        let scale = Scale { cells: 11 };
        assert_eq!(scale.bar().len(), 11);
        assert!(scale.bar().contains('#'));
        assert!(scale.numbers().len() <= 11);
    }
}
