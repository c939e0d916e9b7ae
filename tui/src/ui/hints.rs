//! Drawing of the last line: the keys that work now, or what the user should know.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::theme::Theme;
use crate::app::{Purpose, State};
use crate::strings::Strings;

/// Cells between two hints, besides the one before a key.
const SPACE: usize = 2;

pub(super) fn draw(state: &State, theme: Theme, frame: &mut Frame, area: Rect) {
    let question = state
        .asks_to_leave
        .then(|| state.language.strings().leave_question);
    if let Some(notice) = question.or(state.notice.as_deref()) {
        let line = Line::styled(format!(" {notice}"), theme.warning());
        return frame.render_widget(line, area);
    }
    let strings = state.language.strings();
    let hints = state.key_hints().into_iter().map(|hint| {
        let purpose = format!(" {}{}", text(hint.purpose, strings), " ".repeat(SPACE));
        [
            Span::raw(" "),
            Span::styled(hint.key, theme.active()),
            Span::styled(purpose, theme.quiet()),
        ]
    });
    // In a narrow terminal, the last hints are omitted. The space behind a hint may be cut.
    let mut room = usize::from(area.width) + SPACE;
    let fitting = hints.take_while(|hint| {
        let cells = hint.iter().map(Span::width).sum();
        let fits = cells <= room;
        room = room.saturating_sub(cells);
        fits
    });
    frame.render_widget(fitting.flatten().collect::<Line>(), area);
}

/// Text of a purpose.
fn text(purpose: Purpose, strings: &Strings) -> &'static str {
    match purpose {
        Purpose::OtherText => strings.hint_other,
        Purpose::Help => strings.hint_help,
        Purpose::Models => strings.hint_models,
        Purpose::Explain => strings.hint_explain,
        Purpose::Leave => strings.hint_leave,
        Purpose::Scroll => strings.hint_scroll,
        Purpose::Close => strings.hint_close,
        Purpose::Select => strings.hint_select,
        Purpose::Pull => strings.hint_pull,
        Purpose::Use => strings.hint_use,
        Purpose::Second => strings.hint_second,
        Purpose::CancelPull => strings.hint_cancel,
    }
}
