//! The state drawn: one file a panel. Drawing changes nothing.
//!
//! Everything but the user's own text and the words is ASCII: box-drawing characters, arrows and
//! dots are two cells wide in some Chinese terminals and one in others.

mod gauge;
mod header;
mod help;
mod hints;
mod input;
mod models;
mod overlay;
mod result;
mod theme;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};

use crate::app::{Side, State};
pub use theme::Theme;

/// Rows of the result panel where there is room, and where there is little.
const RESULT_ROWS: u16 = 7;
const RESULT_ROWS_SMALL: u16 = 4;

/// From this height on, the result has its full size.
const FULL_HEIGHT: u16 = 18;

/// Draws the whole screen and places the terminal's cursor.
pub fn draw(state: &State, theme: Theme, frame: &mut Frame) {
    let area = frame.area();
    let result_rows = if area.height >= FULL_HEIGHT {
        RESULT_ROWS
    } else {
        RESULT_ROWS_SMALL
    };
    let [header, a, b, result, hints] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Fill(1),
        Constraint::Length(result_rows),
        Constraint::Length(1),
    ])
    .areas(area);

    header::draw(state, theme, frame, header);
    input::draw(state, Side::A, theme, frame, a);
    input::draw(state, Side::B, theme, frame, b);
    result::draw(state, theme, frame, result);
    hints::draw(state, theme, frame, hints);
    if state.models.open {
        models::draw(state, theme, frame, area);
    }
    if let Some(first_line) = state.help {
        help::draw(state.language, first_line, theme, frame, area);
    }
}
