//! State of the help: its scroll position.

use crossterm::event::{KeyCode, KeyEvent};

use crate::app::key_hint::{KeyHint, Purpose};

/// State of the help.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HelpState {
    /// First line shown, while the help is open.
    pub first_line: Option<usize>,
}

impl HelpState {
    /// Keys that [`on_key`](Self::on_key) handles.
    pub(crate) const KEY_HINTS: [KeyHint; 2] = [
        KeyHint::new("Up Down", Purpose::Scroll),
        KeyHint::new("Esc", Purpose::Close),
    ];

    /// Returns true while the help is shown.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.first_line.is_some()
    }

    /// Opens the help at its first line.
    pub(crate) fn open(&mut self) {
        self.first_line = Some(0);
    }

    /// Closes the help.
    pub(crate) fn close(&mut self) {
        self.first_line = None;
    }

    /// Applies a key to the open help, which has `lines` lines.
    pub(crate) fn on_key(&mut self, key: KeyEvent, lines: usize) {
        let Some(first) = self.first_line else {
            return;
        };
        self.first_line = match key.code {
            KeyCode::Down => Some((first + 1).min(lines.saturating_sub(1))),
            KeyCode::Up => Some(first.saturating_sub(1)),
            // Every other key closes the help.
            _ => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyModifiers;

    use super::*;

    fn press(help: &mut HelpState, code: KeyCode) {
        help.on_key(KeyEvent::new(code, KeyModifiers::NONE), 3);
    }

    #[test]
    fn scrolling_stops_at_the_first_and_last_line() {
        let mut help = HelpState::default();
        help.open();
        press(&mut help, KeyCode::Up);
        assert_eq!(help.first_line, Some(0));
        (0..9).for_each(|_| press(&mut help, KeyCode::Down));
        assert_eq!(help.first_line, Some(2));
    }

    #[test]
    fn every_other_key_closes_the_help() {
        for code in [KeyCode::Esc, KeyCode::F(1), KeyCode::Char('x')] {
            let mut help = HelpState::default();
            help.open();
            press(&mut help, code);
            assert!(!help.is_open());
        }
    }
}
