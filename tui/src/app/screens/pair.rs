//! State of the comparison of two texts: both editors, the focus and the score.

use crossterm::event::{KeyCode, KeyEvent};
use gte_shared::score::Verdict;
use gte_shared::wire::{Computed, ModelInfo, PairScore, TextInfo};

use crate::app::editor::Editor;
use crate::app::effect::Effect;
use crate::app::key_hint::{KeyHint, Purpose};

/// One of the two texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// The upper text.
    #[default]
    A,
    /// The lower text.
    B,
}

impl Side {
    /// The opposite side.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// Score of a pair, with its details.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// Score between 0 and 100.
    pub similarity: f64,
    /// Cosine within [-1, 1].
    pub cosine: f32,
    /// Verdict on the score.
    pub verdict: Verdict,
    /// Readings of the texts, A and B.
    pub texts: [TextInfo; 2],
    /// True if the texts differ, and have become the same tokens.
    pub same_tokens: bool,
    /// Model that computed the score.
    pub model: ModelInfo,
    /// Time inside the daemon, in microseconds.
    pub micros: u64,
}

impl From<Computed<PairScore>> for Scored {
    fn from(computed: Computed<PairScore>) -> Self {
        let score = computed.result;
        Self {
            similarity: score.similarity,
            cosine: score.cosine,
            verdict: score.verdict,
            texts: [score.a, score.b],
            same_tokens: score.same_tokens,
            model: computed.model,
            micros: computed.timings.total_micros,
        }
    }
}

/// Outcome of a comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Outcome {
    /// At least one of the texts is still missing.
    #[default]
    Waiting,
    /// A score.
    Scored(Scored),
    /// One of the texts has no tokens to compare.
    Blank,
    /// Error message.
    Failed(String),
}

/// A model that the pair is compared with besides the one that answers.
#[derive(Clone, Debug, PartialEq)]
pub struct SecondModel {
    /// Name of the model.
    pub name: String,
    /// Outcome of its last comparison that was answered.
    pub outcome: Outcome,
    /// Revision that `outcome` belongs to.
    pub answered_revision: u64,
}

/// State of the comparison.
#[derive(Clone, Debug, Default)]
pub struct PairState {
    /// The upper text.
    pub a: Editor,
    /// The lower text.
    pub b: Editor,
    /// Text that receives keys.
    pub focus: Side,
    /// Outcome of the last comparison that was answered.
    pub outcome: Outcome,
    /// Number of changes so far, of the texts and of the model.
    pub revision: u64,
    /// Revision that `outcome` belongs to.
    pub answered_revision: u64,
    /// Second model, if the user compares two.
    pub second: Option<SecondModel>,
}

impl PairState {
    /// Editor of one side.
    #[must_use]
    pub fn editor(&self, side: Side) -> &Editor {
        match side {
            Side::A => &self.a,
            Side::B => &self.b,
        }
    }

    /// Editor that receives keys.
    #[must_use]
    pub fn focused(&self) -> &Editor {
        self.editor(self.focus)
    }

    /// Returns true if the last revision is not answered yet.
    #[must_use]
    pub fn is_computing(&self) -> bool {
        self.answered_revision != self.revision
    }

    /// Returns true if the second model has not answered the last revision yet.
    #[must_use]
    pub fn is_second_computing(&self) -> bool {
        let second = self.second.as_ref();
        second.is_some_and(|second| second.answered_revision != self.revision)
    }

    /// Reading of the text of one side, if a score is shown.
    #[must_use]
    pub fn text_info(&self, side: Side) -> Option<&TextInfo> {
        match &self.outcome {
            Outcome::Scored(scored) => Some(match side {
                Side::A => &scored.texts[0],
                Side::B => &scored.texts[1],
            }),
            _ => None,
        }
    }

    /// Returns true if a score is shown, and another model than `model` computed it.
    pub(crate) fn is_scored_by_another(&self, model: &str) -> bool {
        matches!(&self.outcome, Outcome::Scored(scored) if scored.model.id != model)
    }

    /// Applies a key.
    pub(crate) fn on_key(&mut self, key: KeyEvent) -> Option<Effect> {
        if let KeyCode::Tab | KeyCode::BackTab = key.code {
            self.focus = self.focus.other();
            return None;
        }
        let changed = self.focused_mut().on_key(key);
        changed.then(|| self.compare()).flatten()
    }

    /// Replaces both texts by those of an earlier start.
    pub(crate) fn restore(&mut self, [a, b]: &[String; 2]) -> Option<Effect> {
        self.a.set_text(a);
        self.b.set_text(b);
        self.compare()
    }

    /// Inserts pasted text.
    pub(crate) fn on_paste(&mut self, text: &str) -> Option<Effect> {
        let changed = self.focused_mut().on_paste(text);
        changed.then(|| self.compare()).flatten()
    }

    /// Applies an answer; returns the model that computed it.
    ///
    /// Answers to earlier revisions are ignored: the texts or the model have changed since.
    pub(crate) fn on_answer(&mut self, revision: u64, outcome: Outcome) -> Option<&ModelInfo> {
        if revision != self.revision {
            return None;
        }
        self.answered_revision = revision;
        self.outcome = outcome;
        match &self.outcome {
            Outcome::Scored(scored) => Some(&scored.model),
            _ => None,
        }
    }

    /// Applies an answer of the second model.
    pub(crate) fn on_second_answer(&mut self, revision: u64, outcome: Outcome) {
        if let Some(second) = &mut self.second
            && revision == self.revision
        {
            second.answered_revision = revision;
            second.outcome = outcome;
        }
    }

    /// Compares with a second model, or no longer if it is that one already.
    pub(crate) fn toggle_second(&mut self, name: &str) -> Option<Effect> {
        let before = self.second.take();
        if let Some(second) = before.filter(|second| second.name == name) {
            // A comparison that waits or is tried again goes on without it.
            let waits = second.answered_revision != self.revision;
            let failed = matches!(second.outcome, Outcome::Failed(_));
            return (waits || failed).then(|| self.compare()).flatten();
        }
        self.second = Some(SecondModel {
            name: name.to_owned(),
            outcome: Outcome::Waiting,
            answered_revision: self.revision,
        });
        self.compare()
    }

    /// Begins a revision, and compares the texts if both have content.
    pub(crate) fn compare(&mut self) -> Option<Effect> {
        let was_computing = self.is_computing() || self.is_second_computing();
        self.revision += 1;
        if self.a.is_blank() || self.b.is_blank() {
            self.answered_revision = self.revision;
            self.outcome = Outcome::Waiting;
            if let Some(second) = &mut self.second {
                second.answered_revision = self.revision;
                second.outcome = Outcome::Waiting;
            }
            return was_computing.then_some(Effect::CancelCompare);
        }
        Some(Effect::Compare {
            revision: self.revision,
            a: self.a.text(),
            b: self.b.text(),
            second: self.second.as_ref().map(|second| second.name.clone()),
        })
    }

    /// Keys that work while no panel covers the texts.
    pub(crate) fn key_hints(&self) -> [KeyHint; 2] {
        // In a text, a question mark is a character.
        let help = if self.focused().is_empty() { "?" } else { "F1" };
        [
            KeyHint::new("Tab", Purpose::OtherText),
            KeyHint::new(help, Purpose::Help),
        ]
    }

    fn focused_mut(&mut self) -> &mut Editor {
        match self.focus {
            Side::A => &mut self.a,
            Side::B => &mut self.b,
        }
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyModifiers;

    use super::*;

    fn press(pair: &mut PairState, code: KeyCode) -> Option<Effect> {
        pair.on_key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn with_two_texts() -> PairState {
        let mut pair = PairState::default();
        pair.on_paste("甲");
        press(&mut pair, KeyCode::Tab);
        pair.on_paste("乙");
        pair
    }

    #[test]
    fn each_change_of_two_texts_asks_for_a_score_once() {
        let mut pair = PairState::default();
        let effect = pair.on_paste("今天天气很好");
        assert_eq!(effect, None, "one text is not a pair");
        assert_eq!(press(&mut pair, KeyCode::Tab), None);
        assert_eq!(pair.focus, Side::B);
        for (character, text) in [('今', "今"), ('天', "今天")] {
            let effect = press(&mut pair, KeyCode::Char(character));
            let compare = Effect::Compare {
                revision: pair.revision,
                a: "今天天气很好".to_owned(),
                b: text.to_owned(),
                second: None,
            };
            assert_eq!(effect, Some(compare));
        }
        let effect = press(&mut pair, KeyCode::Left);
        assert_eq!(effect, None, "moving changes no text");
    }

    #[test]
    fn emptying_a_text_cancels_the_comparison_that_waits() {
        let mut pair = with_two_texts();
        let asked = pair.revision;
        let effect = press(&mut pair, KeyCode::Backspace);
        assert_eq!(effect, Some(Effect::CancelCompare));
        pair.on_answer(asked, Outcome::Blank);
        assert_eq!(pair.outcome, Outcome::Waiting, "the answer is too late");
        assert!(!pair.is_computing());
        let effect = press(&mut pair, KeyCode::Char(' '));
        assert_eq!(effect, None, "nothing waits");
    }

    #[test]
    fn an_old_answer_never_replaces_a_newer_one() {
        let mut pair = with_two_texts();
        let old = pair.revision;
        press(&mut pair, KeyCode::Char('丙'));
        let new = pair.revision;
        pair.on_answer(new, Outcome::Failed("new".to_owned()));
        pair.on_answer(old, Outcome::Failed("old".to_owned()));
        assert_eq!(pair.outcome, Outcome::Failed("new".to_owned()));
        assert!(!pair.is_computing());
    }

    #[test]
    fn a_paste_keeps_lines_and_drops_control_characters() {
        let mut pair = PairState::default();
        pair.on_paste("一\r\n二\u{1b}[31m\t三");
        assert_eq!(pair.a.text(), "一\n二[31m\t三");
    }

    #[test]
    fn a_second_model_is_asked_until_it_is_chosen_again() {
        let mut pair = with_two_texts();
        let asked = |effect: Option<Effect>| match effect {
            Some(Effect::Compare { second, .. }) => second,
            _ => None,
        };
        let effect = pair.toggle_second("other");
        assert_eq!(asked(effect).as_deref(), Some("other"));
        let revision = pair.revision;
        pair.on_second_answer(revision - 1, Outcome::Blank);
        assert_eq!(pair.second.as_ref().unwrap().outcome, Outcome::Waiting);
        pair.on_second_answer(revision, Outcome::Blank);
        assert_eq!(pair.second.as_ref().unwrap().outcome, Outcome::Blank);
        assert!(pair.is_computing(), "the first has not answered");
        let effect = pair.toggle_second("third");
        assert_eq!(asked(effect).as_deref(), Some("third"));
        assert_eq!(asked(pair.toggle_second("third")), None);
        assert_eq!(pair.second, None);
        pair.on_second_answer(pair.revision, Outcome::Blank);
        assert_eq!(pair.second, None);
    }
}
