//! Drawing of the help.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::app::State;
use crate::ui::overlay;
use crate::ui::theme::Theme;

/// Draws the help if it is open.
pub(crate) fn draw(state: &State, theme: Theme, frame: &mut Frame, screen: Rect) {
    let Some(first_line) = state.help.first_line else {
        return;
    };
    let strings = state.language.strings();
    let lines = strings.help.iter().map(|line| Line::raw(*line)).collect();
    overlay::draw(strings.help_title, lines, first_line, theme, frame, screen);
}
