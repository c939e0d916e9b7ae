//! State of the explanation: the words of the pair, and the scroll position.

use crossterm::event::{KeyCode, KeyEvent};
use gte_shared::wire::{Computed, Explanation};

use super::pair::PairState;
use crate::app::effect::Effect;
use crate::app::key_hint::{KeyHint, Purpose};

/// Lines that `PageUp` and `PageDown` scroll by: fewer than a low terminal shows.
const PAGE: usize = 8;

/// Contents of the explanation.
#[derive(Clone, Debug, PartialEq)]
pub enum Explained {
    /// At least one of the texts is missing.
    Missing,
    /// The daemon computes it.
    Computing,
    /// Words of both texts.
    Words(Box<Computed<Explanation>>),
    /// One of the texts has no tokens to compare.
    Blank,
    /// Error message.
    Failed(String),
}

/// State of the explanation.
#[derive(Clone, Debug, Default)]
pub struct ExplanationState {
    /// Contents, while the explanation is open.
    pub shown: Option<Explained>,
    /// First line shown.
    pub first_line: usize,
    /// Number of explanations so far. Answers to earlier ones are ignored.
    number: u64,
}

impl ExplanationState {
    /// Keys that [`on_key`](Self::on_key) handles.
    pub(crate) const KEY_HINTS: [KeyHint; 2] = [
        KeyHint::new("Up Down", Purpose::Scroll),
        KeyHint::new("Esc", Purpose::Close),
    ];

    /// Returns true while the explanation is shown.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.shown.is_some()
    }

    /// Opens the explanation of a pair.
    pub(crate) fn open(&mut self, pair: &PairState) -> Option<Effect> {
        self.number += 1;
        self.first_line = 0;
        if pair.a.is_blank() || pair.b.is_blank() {
            self.shown = Some(Explained::Missing);
            return None;
        }
        self.shown = Some(Explained::Computing);
        Some(Effect::Explain {
            number: self.number,
            a: pair.a.text(),
            b: pair.b.text(),
        })
    }

    /// Closes the explanation; its answer is ignored.
    pub(crate) fn close(&mut self) {
        self.shown = None;
    }

    /// Applies a key while the explanation is open.
    pub(crate) fn on_key(&mut self, key: KeyEvent) -> Option<Effect> {
        match key.code {
            KeyCode::Esc | KeyCode::F(3) => {
                let shown = self.shown.take();
                let waits = matches!(shown, Some(Explained::Computing));
                return waits.then_some(Effect::CancelExplain);
            }
            KeyCode::Down => self.scroll_to(self.first_line + 1),
            KeyCode::Up => self.scroll_to(self.first_line.saturating_sub(1)),
            KeyCode::PageDown => self.scroll_to(self.first_line + PAGE),
            KeyCode::PageUp => self.scroll_to(self.first_line.saturating_sub(PAGE)),
            _ => {}
        }
        None
    }

    fn scroll_to(&mut self, line: usize) {
        let words = match &self.shown {
            Some(Explained::Words(computed)) => computed.result.a.len() + computed.result.b.len(),
            _ => 0,
        };
        // One line is above them, and the names of the texts are among them.
        self.first_line = line.min(words);
    }

    /// Applies the answer to the explanation of this number, unless it has been closed.
    pub(crate) fn on_answer(&mut self, number: u64, explained: Explained) {
        if self.is_open() && number == self.number {
            self.shown = Some(explained);
        }
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyModifiers;

    use super::*;

    fn press(explanation: &mut ExplanationState, code: KeyCode) -> Option<Effect> {
        explanation.on_key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn pair() -> PairState {
        let mut pair = PairState::default();
        pair.on_paste("甲");
        pair.on_key(KeyEvent::new(KeyCode::Tab, KeyModifiers::NONE));
        pair.on_paste("乙");
        pair
    }

    #[test]
    fn two_texts_are_explained_and_one_is_not() {
        let mut explanation = ExplanationState::default();
        assert_eq!(explanation.open(&PairState::default()), None);
        assert_eq!(explanation.shown, Some(Explained::Missing));
        let effect = explanation.open(&pair());
        let asked = Effect::Explain {
            number: 2,
            a: "甲".to_owned(),
            b: "乙".to_owned(),
        };
        assert_eq!(effect, Some(asked));
        assert_eq!(explanation.shown, Some(Explained::Computing));
    }

    #[test]
    fn an_answer_to_a_closed_explanation_is_dropped() {
        let mut explanation = ExplanationState::default();
        explanation.open(&pair());
        let effect = press(&mut explanation, KeyCode::Esc);
        assert_eq!(effect, Some(Effect::CancelExplain));
        explanation.on_answer(1, Explained::Blank);
        assert!(!explanation.is_open());
        explanation.open(&pair());
        explanation.on_answer(1, Explained::Blank);
        assert_eq!(explanation.shown, Some(Explained::Computing));
        explanation.on_answer(2, Explained::Blank);
        assert_eq!(explanation.shown, Some(Explained::Blank));
        // Without words there is nothing to scroll.
        press(&mut explanation, KeyCode::PageDown);
        assert_eq!(explanation.first_line, 0);
    }
}
