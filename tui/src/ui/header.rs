//! Drawing of the first line: the program's name, and on the right the model and the daemon's
//! condition.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::pull;
use super::theme::Theme;
use crate::app::{Daemon, State};

/// Width of the program's name in cells, which nothing covers.
const NAME_CELLS: u16 = 6;

pub(super) fn draw(state: &State, theme: Theme, frame: &mut Frame, area: Rect) {
    let strings = state.language.strings();
    let (model, condition, style) = match &state.daemon {
        Daemon::Connecting => ("", strings.connecting, theme.quiet()),
        Daemon::Ready { model, .. } => (model.as_str(), strings.ready, theme.active()),
        Daemon::Unreachable => ("", strings.unreachable, theme.warning()),
    };
    let mut right = vec![Span::styled(condition, style), Span::raw(" ")];
    if let Some(pulling) = &state.models.pulling {
        let pulling = format!("{}  ", pull::short(pulling, strings));
        right.insert(0, Span::styled(pulling, theme.active()));
    }
    // In a narrow terminal, the model's name is omitted first.
    let room = area.width.saturating_sub(NAME_CELLS);
    let others: usize = right.iter().map(Span::width).sum();
    if !model.is_empty() && others + model.len() + 2 <= usize::from(room) {
        let before_condition = right.len() - 2;
        right.insert(before_condition, Span::raw(format!("{model}  ")));
    }
    let right = Line::from(right).right_aligned();
    let mut left = vec![Span::styled(" gte", theme.active())];
    let title = Span::styled(format!("  {}", strings.title), theme.quiet());
    // The condition matters more than the description of the program.
    if 4 + title.width() + 2 + right.width() <= usize::from(area.width) {
        left.push(title);
    }
    frame.render_widget(Line::from(left), area);
    let right_area = Rect {
        x: area.x + NAME_CELLS.min(area.width),
        width: room,
        ..area
    };
    frame.render_widget(right, right_area);
}
