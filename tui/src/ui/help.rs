//! The explanation, laid over the screen.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::overlay;
use super::theme::Theme;
use crate::strings::Language;

pub(super) fn draw(
    language: Language,
    first_line: usize,
    theme: Theme,
    frame: &mut Frame,
    screen: Rect,
) {
    let words = language.strings();
    let lines = words.help.iter().map(|line| Line::raw(*line)).collect();
    overlay::draw(words.help_title, lines, first_line, theme, frame, screen);
}
