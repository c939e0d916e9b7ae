//! The last line: the keys that work now.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::theme::Theme;
use crate::app::{Purpose, State};
use crate::strings::Strings;

pub(super) fn draw(state: &State, theme: Theme, frame: &mut Frame, area: Rect) {
    let words = state.language.strings();
    let spans = state.key_hints().into_iter().flat_map(|hint| {
        let purpose = format!(" {}  ", in_words(hint.purpose, words));
        [
            Span::raw(" "),
            Span::styled(hint.key, theme.active()),
            Span::styled(purpose, theme.quiet()),
        ]
    });
    frame.render_widget(spans.collect::<Line>(), area);
}

fn in_words(purpose: Purpose, words: &Strings) -> &'static str {
    match purpose {
        Purpose::OtherText => words.hint_other,
        Purpose::Help => words.hint_help,
        Purpose::Models => words.hint_models,
        Purpose::Leave => words.hint_leave,
        Purpose::Scroll => words.hint_scroll,
        Purpose::Close => words.hint_close,
        Purpose::Select => words.hint_select,
        Purpose::Pull => words.hint_pull,
        Purpose::Use => words.hint_use,
        Purpose::CancelPull => words.hint_cancel,
    }
}
