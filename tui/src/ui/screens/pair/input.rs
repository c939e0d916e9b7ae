//! Drawing of a text: a rule with its name and length, the editor below, and the cursor.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::reading::reading;
use crate::app::{Side, State};
use crate::ui::theme::Theme;

/// Width of the margins on either side of the text, in cells.
const MARGIN: u16 = 1;

pub(super) fn draw(state: &State, side: Side, theme: Theme, frame: &mut Frame, area: Rect) {
    if area.height == 0 {
        return;
    }
    let rule = Rect { height: 1, ..area };
    draw_rule(state, side, theme, frame, rule);

    let text = Rect {
        x: area.x + MARGIN.min(area.width),
        y: area.y + 1,
        width: area.width.saturating_sub(2 * MARGIN),
        height: area.height - 1,
    };
    let editor = state.pair.editor(side);
    if editor.is_empty() {
        let placeholder = Span::styled(state.language.strings().placeholder, theme.quiet());
        frame.render_widget(Line::from(placeholder), text);
    } else {
        frame.render_widget(editor.area(), text);
    }
    if state.pair.focus == side && !state.is_covered() && text.area() > 0 {
        frame.set_cursor_position(cursor(state, side, text));
    }
}

/// Position of the cursor on the screen; an input method opens its window there.
fn cursor(state: &State, side: Side, text: Rect) -> Position {
    let editor = state.pair.editor(side);
    if editor.is_empty() {
        return text.as_position();
    }
    let area = editor.area();
    let (cursor, (top, left)) = (area.screen_cursor(), area.scroll_offset());
    let offset = |cell: usize, from: u16, size: u16| {
        let cell = u16::try_from(cell).unwrap_or(u16::MAX);
        cell.saturating_sub(from).min(size.saturating_sub(1))
    };
    Position {
        x: text.x + offset(cursor.col, left, text.width),
        y: text.y + offset(cursor.row, top, text.height),
    }
}

fn draw_rule(state: &State, side: Side, theme: Theme, frame: &mut Frame, area: Rect) {
    // The mark shows the focus in a terminal without colors.
    let (mark, style) = if state.pair.focus == side {
        ('>', theme.active())
    } else {
        ('-', theme.quiet())
    };
    let name = match side {
        Side::A => 'A',
        Side::B => 'B',
    };
    let left = format!("--{mark} {name} ");
    let width = usize::from(area.width);
    let room = width.saturating_sub(left.len() + 4);
    let right = reading(state, side, theme, room);
    let dashes = width.saturating_sub(left.len() + right.width() + 2);
    let line = Line::from(vec![
        Span::styled(left, style),
        Span::styled("-".repeat(dashes), style),
        right,
        Span::styled("--", style),
    ]);
    frame.render_widget(line, area);
}
