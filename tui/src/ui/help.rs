//! The explanation, laid over the screen.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Paragraph};
use unicode_width::UnicodeWidthStr;

use super::theme::Theme;
use crate::app::State;

pub(super) fn draw(state: &State, theme: Theme, frame: &mut Frame, screen: Rect) {
    let words = state.language.strings();
    let widest = words.help.iter().map(|line| line.width()).max();
    let width = u16::try_from(widest.unwrap_or(0) + 4).unwrap_or(u16::MAX);
    let height = u16::try_from(words.help.len() + 2).unwrap_or(u16::MAX);
    // The hints in the last line stay visible.
    let room = Rect {
        height: screen.height.saturating_sub(1),
        ..screen
    };
    let area = room.centered(
        ratatui::layout::Constraint::Length(width.min(room.width)),
        ratatui::layout::Constraint::Length(height.min(room.height)),
    );
    let dashes = usize::from(area.width).saturating_sub(words.help_title.width() + 5);
    let title = format!("--- {} {}", words.help_title, "-".repeat(dashes));
    let end = "-".repeat(area.width.into());
    let body_rows = usize::from(area.height.saturating_sub(2));
    let mut lines = vec![Line::styled(title, theme.active())];
    let body = words.help.iter().take(body_rows);
    lines.extend(body.map(|line| Line::raw(format!("  {line}"))));
    lines.push(Line::styled(end, theme.active()));
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines), area);
}
