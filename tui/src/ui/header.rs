//! The first line: what this is, and on the right the model and the daemon's state.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::models;
use super::theme::Theme;
use crate::app::{Daemon, State};

pub(super) fn draw(state: &State, theme: Theme, frame: &mut Frame, area: Rect) {
    let words = state.language.strings();
    let (model, condition, style) = match &state.daemon {
        Daemon::Connecting => ("", words.connecting, theme.quiet()),
        Daemon::Ready { model, .. } => (model.as_str(), words.ready, theme.active()),
        Daemon::Unreachable => ("", words.unreachable, theme.warning()),
    };
    let mut right = vec![Span::styled(condition, style), Span::raw(" ")];
    // With little room, the model's name goes first.
    let room = usize::from(area.width).saturating_sub(6);
    if let Some(pulling) = &state.models.pulling {
        let pulling = format!("{}  ", models::short(pulling, words));
        right.insert(0, Span::styled(pulling, theme.active()));
    }
    let others: usize = right.iter().map(Span::width).sum();
    if !model.is_empty() && others + model.len() + 2 <= room {
        let place = right.len() - 2;
        right.insert(place, Span::raw(format!("{model}  ")));
    }
    let right = Line::from(right).right_aligned();
    let mut left = vec![Span::styled(" gte", theme.active())];
    let title = Span::styled(format!("  {}", words.title), theme.quiet());
    // The state matters more than what the program calls itself.
    if 4 + title.width() + 2 + right.width() <= usize::from(area.width) {
        left.push(title);
    }
    frame.render_widget(Line::from(left), area);
    frame.render_widget(right, right_part(area, 6));
}

/// The area without its first `cells` cells.
fn right_part(area: Rect, cells: u16) -> Rect {
    let cells = cells.min(area.width);
    Rect {
        x: area.x + cells,
        width: area.width - cells,
        ..area
    }
}
