//! The last line: the keys that do something now.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::theme::Theme;
use crate::app::State;

pub(super) fn draw(state: &State, theme: Theme, frame: &mut Frame, area: Rect) {
    let words = state.language.strings();
    let selected = state.models.rows.get(state.models.selected);
    let choice = match selected {
        Some(row) if !row.installed && !row.embedded => words.hint_fetch,
        _ => words.hint_use,
    };
    let hints: &[(&str, &str)] = if state.help.is_some() {
        &[
            ("Up Down", words.hint_scroll),
            ("Esc", words.hint_close),
            ("Ctrl-C", words.hint_leave),
        ]
    } else if state.models.open && state.models.pulling.is_some() {
        &[
            ("Up Down", words.hint_select),
            ("Del", words.hint_cancel),
            ("Esc", words.hint_close),
            ("Ctrl-C", words.hint_leave),
        ]
    } else if state.models.open {
        &[
            ("Up Down", words.hint_select),
            ("Enter", choice),
            ("Esc", words.hint_close),
            ("Ctrl-C", words.hint_leave),
        ]
    } else {
        let empty = state.editor(state.focus).is_empty();
        &[
            ("Tab", words.hint_other),
            (if empty { "?" } else { "F1" }, words.hint_help),
            ("F2", words.hint_models),
            ("Esc", words.hint_leave),
        ]
    };
    let spans = hints.iter().flat_map(|(key, what)| {
        [
            Span::raw(" "),
            Span::styled(*key, theme.active()),
            Span::styled(format!(" {what}  "), theme.quiet()),
        ]
    });
    frame.render_widget(spans.collect::<Line>(), area);
}
