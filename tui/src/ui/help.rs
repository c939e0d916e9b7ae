//! The explanation, laid over the screen.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Clear, Paragraph};
use unicode_width::UnicodeWidthStr;

use super::theme::Theme;
use crate::strings::Language;

pub(super) fn draw(
    language: Language,
    first_line: usize,
    theme: Theme,
    frame: &mut Frame,
    screen: Rect,
) {
    let words = language.strings();
    let widest = words.help.iter().map(|line| line.width()).max();
    let width = u16::try_from(widest.unwrap_or(0) + 4).unwrap_or(u16::MAX);
    let height = u16::try_from(words.help.len() + 2).unwrap_or(u16::MAX);
    // The hints in the last line stay visible.
    let room = Rect {
        height: screen.height.saturating_sub(1),
        ..screen
    };
    let area = room.centered(
        Constraint::Length(width.min(room.width)),
        Constraint::Length(height.min(room.height)),
    );
    let rows = usize::from(area.height.saturating_sub(2));
    let dashes = usize::from(area.width).saturating_sub(words.help_title.width() + 5);
    let title = format!("--- {} {}", words.help_title, "-".repeat(dashes));
    let body = words.help.iter().skip(first_line).take(rows);
    let body = body.map(|line| Line::raw(format!("  {line}")));
    let end = Line::styled("-".repeat(area.width.into()), theme.active());
    let blank = std::iter::repeat_with(|| Line::raw(""));
    let title = Line::styled(title, theme.active());
    let lines: Vec<Line> = std::iter::once(title)
        .chain(body.chain(blank).take(rows))
        .chain([end])
        .collect();
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines), area);
}
