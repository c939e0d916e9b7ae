//! Drawing of the whole screen: header, pair and hints, and the panels over them.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};

use super::screens::{explanation, help, models, pair};
use super::theme::Theme;
use super::{header, hints};
use crate::app::State;

/// Draws the whole screen and places the terminal's cursor.
pub fn draw(state: &State, theme: Theme, frame: &mut Frame) {
    let screen = frame.area();
    let [header, body, hints] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(screen);
    header::draw(state, theme, frame, header);
    pair::draw(state, theme, frame, body);
    hints::draw(state, theme, frame, hints);
    explanation::draw(state, theme, frame, screen);
    models::draw(state, theme, frame, screen);
    help::draw(state, theme, frame, screen);
}
