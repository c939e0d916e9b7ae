//! The last line: the keys that do something now.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::theme::Theme;
use crate::app::State;

pub(super) fn draw(state: &State, theme: Theme, frame: &mut Frame, area: Rect) {
    let words = state.language.strings();
    let hints: &[(&str, &str)] = if state.help.is_some() {
        &[
            ("Up Down", words.hint_scroll),
            ("Esc", words.hint_close),
            ("Ctrl-C", words.hint_leave),
        ]
    } else if state.editor(state.focus).is_empty() {
        &[
            ("Tab", words.hint_other),
            ("?", words.hint_help),
            ("Esc", words.hint_leave),
        ]
    } else {
        &[
            ("Tab", words.hint_other),
            ("F1", words.hint_help),
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
