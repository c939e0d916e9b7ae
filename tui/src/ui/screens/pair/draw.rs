//! Layout of the pair: the texts share the space that the result leaves.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};

use super::{input, result};
use crate::app::{Side, State};
use crate::ui::theme::Theme;

/// Rows of the result in a high terminal.
const RESULT_ROWS: u16 = 7;

/// Rows of the result in a low terminal.
const RESULT_ROWS_SMALL: u16 = 4;

/// Least rows of the pair for a result of full size: each text keeps four.
const FULL_ROWS: u16 = 16;

/// Draws the pair.
pub(crate) fn draw(state: &State, theme: Theme, frame: &mut Frame, area: Rect) {
    let result_rows = if area.height >= FULL_ROWS {
        RESULT_ROWS
    } else {
        RESULT_ROWS_SMALL
    };
    let [a, b, result] = Layout::vertical([
        Constraint::Fill(1),
        Constraint::Fill(1),
        Constraint::Length(result_rows),
    ])
    .areas(area);
    input::draw(state, Side::A, theme, frame, a);
    input::draw(state, Side::B, theme, frame, b);
    result::draw(state, theme, frame, result);
}
