//! Drawing of a panel over the screen: a rule with a title, lines, and a rule.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Clear, Paragraph};
use unicode_width::UnicodeWidthStr;

use super::theme::Theme;

/// Width of the margins to the left and to the right of the lines, in cells.
pub(super) const MARGIN: usize = 2;

/// Draws the lines from `first` on, as many as fit, in the middle of the screen.
///
/// The hints in the screen's last line stay visible.
pub(super) fn draw(
    title: &str,
    lines: Vec<Line>,
    first: usize,
    theme: Theme,
    frame: &mut Frame,
    screen: Rect,
) {
    let widest = lines.iter().map(Line::width).max();
    let cells = |cells: usize| u16::try_from(cells).unwrap_or(u16::MAX);
    let (width, height) = (
        cells(widest.unwrap_or(0) + 2 * MARGIN),
        cells(lines.len() + 2),
    );
    let room = Rect {
        height: screen.height.saturating_sub(1),
        ..screen
    };
    let area = room.centered(
        Constraint::Length(width.min(room.width)),
        Constraint::Length(height.min(room.height)),
    );
    let rows = usize::from(area.height.saturating_sub(2));
    let dashes = usize::from(area.width).saturating_sub(title.width() + 5);
    let top = Line::styled(
        format!("--- {title} {}", "-".repeat(dashes)),
        theme.active(),
    );
    let bottom = Line::styled("-".repeat(area.width.into()), theme.active());
    let body = lines.into_iter().skip(first).map(|mut line| {
        line.spans.insert(0, " ".repeat(MARGIN).into());
        line
    });
    let blank = std::iter::repeat_with(|| Line::raw(""));
    let whole: Vec<Line> = std::iter::once(top)
        .chain(body.chain(blank).take(rows))
        .chain([bottom])
        .collect();
    // Clears one more cell on each side: a wide character that begins there would reach into the
    // panel.
    let around = Rect {
        x: area.x.saturating_sub(1),
        width: area.width.saturating_add(2),
        ..area
    };
    frame.render_widget(Clear, around.intersection(screen));
    frame.render_widget(Paragraph::new(whole), area);
}

/// Breaks a text into lines of at most `cells` cells, at spaces if possible.
pub(super) fn wrap(text: &str, cells: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for character in text.chars() {
        let mut longer = line.clone();
        longer.push(character);
        if longer.width() > cells {
            let end = longer.rfind(' ').map_or(line.len(), |space| space + 1);
            let rest = longer.split_off(end);
            lines.push(longer.trim_end().to_owned());
            longer = rest;
        }
        line = longer;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_or_else_between_characters() {
        assert_eq!(wrap("出错了 abc", 4), ["出错", "了", "abc"]);
        assert_eq!(wrap("one two three", 9), ["one two", "three"]);
        assert_eq!(wrap("", 4), [""]);
    }
}
