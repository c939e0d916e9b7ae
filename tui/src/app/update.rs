//! The one place where the state changes.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::action::{Action, Effect};
use super::state::{Daemon, Outcome, State};

/// Applies an action; returns what has to happen outside.
pub fn update(state: &mut State, action: Action) -> Option<Effect> {
    match action {
        Action::Key(key) if key.kind == KeyEventKind::Release => None,
        Action::Key(key) => press(state, key),
        Action::Paste(text) => {
            let changed = !state.covered() && state.focused().paste(&text);
            changed.then(|| changed_texts(state)).flatten()
        }
        Action::Redraw => None,
        Action::Rested(change) => compare(state, change),
        Action::Answered(change, outcome) => {
            // Numbers only grow, so an answer that comes late cannot replace a newer one.
            if change == state.change {
                state.answered = change;
                state.outcome = outcome;
            }
            // The model may have changed while it was computed.
            compare_anew(state)
        }
        Action::Daemon(daemon) => {
            state.daemon = daemon;
            compare_anew(state)
        }
        Action::Models(news) => state.models.learn(news),
        Action::End => {
            state.leaving = true;
            None
        }
    }
}

fn press(state: &mut State, key: KeyEvent) -> Option<Effect> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if control => state.leaving = true,
        // While the explanation is open, any other key closes it.
        KeyCode::Down | KeyCode::Up if let Some(line) = &mut state.help => {
            let last = state.language.strings().help.len().saturating_sub(1);
            *line = match key.code {
                KeyCode::Down => (*line + 1).min(last),
                _ => line.saturating_sub(1),
            };
        }
        _ if state.help.is_some() => state.help = None,
        _ if state.models.open => return state.models.press(key),
        KeyCode::F(2) => return Some(state.models.open()),
        KeyCode::Esc => state.leaving = true,
        KeyCode::F(1) => state.help = Some(0),
        // Typed into a text, a question mark is one. A Chinese input method types the wide form.
        KeyCode::Char('?' | '？') if state.focused().is_empty() => state.help = Some(0),
        KeyCode::Tab | KeyCode::BackTab => state.focus = state.focus.other(),
        _ => {
            if state.focused().key(key) {
                return changed_texts(state);
            }
        }
    }
    None
}

fn changed_texts(state: &mut State) -> Option<Effect> {
    state.change += 1;
    if state.a.is_blank() || state.b.is_blank() {
        state.answered = state.change;
        state.outcome = Outcome::Waiting;
        None
    } else {
        Some(Effect::Rest(state.change))
    }
}

/// A score of another model than the one that answers now says nothing beside later ones.
fn compare_anew(state: &mut State) -> Option<Effect> {
    let outdated = match (&state.daemon, &state.outcome) {
        (Daemon::Ready { model, .. }, Outcome::Scored(scored)) => scored.model != *model,
        _ => false,
    };
    outdated.then(|| changed_texts(state)).flatten()
}

fn compare(state: &State, change: u64) -> Option<Effect> {
    // A change since then has its own rest.
    (change == state.change && state.computing()).then(|| Effect::Compare {
        change,
        a: state.a.text(),
        b: state.b.text(),
    })
}

#[cfg(test)]
mod tests {
    use gte_shared::score::Label;
    use gte_shared::wire::TextInfo;

    use super::*;
    use crate::app::{Scored, Side};
    use crate::strings::Language;

    fn key(code: KeyCode) -> Action {
        Action::Key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn type_text(state: &mut State, text: &str) -> Option<Effect> {
        let keys = text.chars().map(|c| key(KeyCode::Char(c)));
        keys.map(|key| update(state, key)).last().flatten()
    }

    fn with_two_texts() -> State {
        let mut state = State::new(Language::Zh);
        type_text(&mut state, "甲");
        update(&mut state, key(KeyCode::Tab));
        type_text(&mut state, "乙");
        state
    }

    #[test]
    fn typing_two_texts_asks_for_a_score_once_they_rest() {
        let mut state = State::new(Language::Zh);
        assert_eq!(
            type_text(&mut state, "今天天气很好"),
            None,
            "one text is no pair"
        );
        update(&mut state, key(KeyCode::Tab));
        assert_eq!(state.focus, Side::B);
        let effect = type_text(&mut state, "今天");
        let change = state.change;
        assert_eq!(effect, Some(Effect::Rest(change)));
        assert_eq!(
            update(&mut state, Action::Rested(change)),
            Some(Effect::Compare {
                change,
                a: "今天天气很好".into(),
                b: "今天".into()
            })
        );
        assert_eq!(update(&mut state, Action::Rested(change - 1)), None);
    }

    #[test]
    fn an_old_answer_never_replaces_a_newer_one() {
        let mut state = with_two_texts();
        let old = state.change;
        type_text(&mut state, "丙");
        let new = state.change;
        update(
            &mut state,
            Action::Answered(new, Outcome::Failed("new".into())),
        );
        update(
            &mut state,
            Action::Answered(old, Outcome::Failed("old".into())),
        );
        assert_eq!(state.outcome, Outcome::Failed("new".into()));
        assert!(!state.computing());
    }

    #[test]
    fn an_answer_to_texts_that_are_gone_is_not_shown() {
        let mut state = with_two_texts();
        let asked = state.change;
        update(&mut state, key(KeyCode::Backspace));
        update(&mut state, Action::Answered(asked, Outcome::Blank));
        assert_eq!(state.outcome, Outcome::Waiting);
        assert!(!state.computing());
    }

    #[test]
    fn a_question_mark_explains_only_where_it_cannot_be_text() {
        let mut state = State::new(Language::Zh);
        update(&mut state, key(KeyCode::Char('?')));
        assert!(state.help.is_some());
        update(&mut state, key(KeyCode::Esc));
        assert!(
            state.help.is_none() && !state.leaving,
            "the key only closes it"
        );
        type_text(&mut state, "可以吗?");
        assert!(state.help.is_none());
        assert_eq!(state.a.text(), "可以吗?");
        update(&mut state, key(KeyCode::F(1)));
        assert!(state.help.is_some());
    }

    #[test]
    fn escape_and_control_c_leave() {
        let mut state = State::new(Language::Zh);
        update(&mut state, key(KeyCode::Esc));
        assert!(state.leaving);
        let mut state = State::new(Language::Zh);
        let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        update(&mut state, Action::Key(control_c));
        assert!(state.leaving);
    }

    #[test]
    fn a_paste_keeps_its_lines_and_loses_its_control_characters() {
        let mut state = State::new(Language::Zh);
        update(&mut state, Action::Paste("一\r\n二\u{1b}[31m\t三".into()));
        assert_eq!(state.a.text(), "一\n二[31m\t三");
    }

    fn scored(model: &str) -> Outcome {
        Outcome::Scored(Scored {
            similarity: 50.0,
            cosine: 0.5,
            label: Label::Low,
            texts: [TextInfo {
                tokens: 3,
                truncated: false,
            }; 2],
            model: model.to_owned(),
            micros: 1,
        })
    }

    #[test]
    fn a_score_of_another_model_is_computed_anew() {
        let ready = |model: &str| {
            Action::Daemon(Daemon::Ready {
                model: model.to_owned(),
                embedded: false,
            })
        };
        let mut state = with_two_texts();
        update(&mut state, ready("one"));
        let asked = state.change;
        update(&mut state, Action::Answered(asked, scored("one")));
        assert_eq!(
            update(&mut state, ready("one")),
            None,
            "nothing has changed"
        );
        let effect = update(&mut state, ready("another"));
        assert_eq!(effect, Some(Effect::Rest(asked + 1)));
        assert!(state.computing());
        // One that was under way when the model changed is no better.
        let late = Action::Answered(asked + 1, scored("one"));
        assert_eq!(update(&mut state, late), Some(Effect::Rest(asked + 2)));
        let answer = Action::Answered(asked + 2, scored("another"));
        assert_eq!(update(&mut state, answer), None);
        assert!(!state.computing());
    }

    #[test]
    fn what_is_typed_over_the_list_of_models_changes_no_text() {
        let mut state = with_two_texts();
        assert_eq!(
            update(&mut state, key(KeyCode::F(2))),
            Some(Effect::ListModels)
        );
        type_text(&mut state, "丙");
        update(&mut state, Action::Paste("丁".into()));
        update(&mut state, key(KeyCode::Esc));
        assert!(!state.leaving, "the key only closes it");
        assert_eq!((state.a.text(), state.b.text()), ("甲".into(), "乙".into()));
    }

    #[test]
    fn the_daemon_coming_back_changes_no_text() {
        let mut state = with_two_texts();
        update(&mut state, Action::Daemon(Daemon::Unreachable));
        assert_eq!(state.a.text(), "甲");
        assert_eq!(state.daemon, Daemon::Unreachable);
    }
}
