//! Drawing of the last line: the keys that work now, or what the user should know.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::theme::Theme;
use crate::app::{Purpose, State};
use crate::strings::Strings;

pub(super) fn draw(state: &State, theme: Theme, frame: &mut Frame, area: Rect) {
    if let Some(notice) = &state.notice {
        let line = Line::styled(format!(" {notice}"), theme.warning());
        return frame.render_widget(line, area);
    }
    let strings = state.language.strings();
    let spans = state.key_hints().into_iter().flat_map(|hint| {
        let purpose = format!(" {}  ", text(hint.purpose, strings));
        [
            Span::raw(" "),
            Span::styled(hint.key, theme.active()),
            Span::styled(purpose, theme.quiet()),
        ]
    });
    frame.render_widget(spans.collect::<Line>(), area);
}

/// Text of a purpose.
fn text(purpose: Purpose, strings: &Strings) -> &'static str {
    match purpose {
        Purpose::OtherText => strings.hint_other,
        Purpose::Help => strings.hint_help,
        Purpose::Models => strings.hint_models,
        Purpose::Leave => strings.hint_leave,
        Purpose::Scroll => strings.hint_scroll,
        Purpose::Close => strings.hint_close,
        Purpose::Select => strings.hint_select,
        Purpose::Pull => strings.hint_pull,
        Purpose::Use => strings.hint_use,
        Purpose::CancelPull => strings.hint_cancel,
    }
}
