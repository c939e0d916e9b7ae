//! Changes of the state, which happen only here.

use std::mem;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::action::Action;
use super::effect::Effect;
use super::state::{Daemon, State};

/// Applies an action; returns the work outside that the action asks for.
pub fn update(state: &mut State, action: Action) -> Option<Effect> {
    match action {
        Action::Key(key) if key.kind == KeyEventKind::Release => None,
        Action::Key(key) => on_key(state, key),
        Action::Paste(_) if state.is_covered() => None,
        Action::Paste(text) => state.pair.on_paste(&text),
        Action::Redraw => None,
        Action::Answered(revision, outcome) => {
            if let Some(model) = state.pair.on_answer(revision, outcome) {
                // Another program may have selected another model.
                let daemon = Daemon::ready(model);
                set_daemon(state, daemon);
            }
            None
        }
        Action::SecondAnswered(revision, outcome) => {
            state.pair.on_second_answer(revision, outcome);
            None
        }
        Action::Explained(number, explained) => {
            state.explanation.on_answer(number, explained);
            None
        }
        Action::Daemon(daemon) => on_daemon(state, daemon),
        Action::Notice(notice) => {
            state.notice = Some(notice);
            None
        }
        Action::Models(event) => {
            let effect = state.models.on_event(event);
            // It may have been removed.
            let is_gone = |name: &str| state.models.is_unavailable(name);
            state.pair.second.take_if(|second| is_gone(&second.name));
            effect
        }
        Action::End => {
            state.leaving = true;
            None
        }
    }
}

fn on_key(state: &mut State, key: KeyEvent) -> Option<Effect> {
    state.notice = None;
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if control => state.leaving = true,
        _ if state.help.is_open() => {
            let lines = state.language.strings().help.len();
            state.help.on_key(key, lines);
        }
        KeyCode::Char(' ') if state.models.open => return toggle_second(state),
        _ if state.models.open => return state.models.on_key(key),
        _ if state.explanation.is_open() => return state.explanation.on_key(key),
        KeyCode::F(2) => return Some(state.models.open()),
        KeyCode::F(3) => return state.explanation.open(&state.pair),
        KeyCode::Esc => state.leaving = true,
        KeyCode::F(1) => state.help.open(),
        // In a text, a question mark is a character. A Chinese input method types the wide form.
        KeyCode::Char('?' | '？') if state.pair.focused().is_empty() => state.help.open(),
        _ => return state.pair.on_key(key),
    }
    None
}

/// Compares with the selected model of the list besides the one that answers, or no longer.
fn toggle_second(state: &mut State) -> Option<Effect> {
    let name = state.second_candidate()?.to_owned();
    state.pair.toggle_second(&name)
}

/// Sets the daemon's condition; returns the former one.
fn set_daemon(state: &mut State, daemon: Daemon) -> Daemon {
    if let Daemon::Ready { model, .. } = &daemon {
        // The second model answers as the first one now.
        state.pair.second.take_if(|second| second.name == *model);
    }
    mem::replace(&mut state.daemon, daemon)
}

/// Sets the daemon's condition, and compares again if another model answers now: scores of
/// different models are not comparable.
fn on_daemon(state: &mut State, daemon: Daemon) -> Option<Effect> {
    let before = set_daemon(state, daemon);
    let Daemon::Ready { model, .. } = &state.daemon else {
        return None;
    };
    let replaced = matches!(&before, Daemon::Ready { model: old, .. } if old != model);
    // The previous model may still answer a running comparison.
    let outdated =
        state.pair.is_scored_by_another(model) || (replaced && state.pair.is_computing());
    outdated.then(|| state.pair.compare()).flatten()
}

#[cfg(test)]
mod tests {
    use gte_shared::score::{Scale, Verdict};
    use gte_shared::wire::{ModelInfo, Pooling, Precision, TextInfo, TextRules};

    use super::*;
    use gte_shared::models::ModelRow;

    use crate::app::key_hint::Purpose;
    use crate::app::screens::models::ModelsEvent;
    use crate::app::screens::pair::{Outcome, Scored};
    use crate::strings::Language;

    fn press(state: &mut State, code: KeyCode) -> Option<Effect> {
        update(state, Action::Key(KeyEvent::new(code, KeyModifiers::NONE)))
    }

    fn type_text(state: &mut State, text: &str) {
        for character in text.chars() {
            press(state, KeyCode::Char(character));
        }
    }

    fn with_two_texts() -> State {
        let mut state = State::new(Language::Zh);
        type_text(&mut state, "甲");
        press(&mut state, KeyCode::Tab);
        type_text(&mut state, "乙");
        state
    }

    fn model(id: &str) -> ModelInfo {
        ModelInfo {
            id: id.to_owned(),
            dimension: 512,
            pooling: Pooling::Cls,
            max_tokens: 512,
            precision: Precision::F32,
            builtin: false,
            rules: TextRules::default(),
            scale: Scale::default(),
        }
    }

    fn ready(id: &str) -> Action {
        Action::Daemon(Daemon::ready(&model(id)))
    }

    fn scored(id: &str) -> Outcome {
        let text = TextInfo {
            tokens: 3,
            total_tokens: 3,
            windows: 1,
            ..TextInfo::default()
        };
        Outcome::Scored(Scored {
            similarity: 50.0,
            cosine: 0.5,
            verdict: Verdict::Low,
            texts: [text.clone(), text],
            same_tokens: false,
            model: model(id),
            micros: 1,
        })
    }

    fn asks_again(effect: Option<&Effect>, asked: u64) -> bool {
        matches!(effect, Some(Effect::Compare { revision, .. }) if *revision > asked)
    }

    #[test]
    fn a_question_mark_opens_the_help_in_an_empty_text_only() {
        let mut state = State::new(Language::Zh);
        press(&mut state, KeyCode::Char('?'));
        assert!(state.help.is_open());
        press(&mut state, KeyCode::Esc);
        assert!(!state.help.is_open() && !state.leaving);
        type_text(&mut state, "可以吗?");
        assert!(!state.help.is_open());
        assert_eq!(state.pair.a.text(), "可以吗?");
        press(&mut state, KeyCode::F(1));
        assert!(state.help.is_open());
    }

    #[test]
    fn escape_and_control_c_leave() {
        let mut state = State::new(Language::Zh);
        press(&mut state, KeyCode::Esc);
        assert!(state.leaving);
        let mut state = State::new(Language::Zh);
        let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        update(&mut state, Action::Key(control_c));
        assert!(state.leaving);
    }

    #[test]
    fn escape_is_hinted_as_the_key_that_it_is() {
        let mut state = State::new(Language::Zh);
        let escape = |state: &State| {
            let hints = state.key_hints();
            let hint = hints.iter().find(|hint| hint.key == "Esc");
            hint.map(|hint| hint.purpose)
        };
        assert_eq!(escape(&state), Some(Purpose::Leave));
        for code in [KeyCode::F(1), KeyCode::F(2), KeyCode::F(3)] {
            press(&mut state, code);
            assert_eq!(escape(&state), Some(Purpose::Close));
            press(&mut state, KeyCode::Esc);
            assert!(!state.is_covered() && !state.leaving);
        }
    }

    #[test]
    fn an_answer_sets_the_model_that_is_shown() {
        let mut state = with_two_texts();
        update(&mut state, ready("one"));
        let answer = Action::Answered(state.pair.revision, scored("another"));
        assert_eq!(update(&mut state, answer), None);
        assert_eq!(state.daemon, Daemon::ready(&model("another")));
    }

    #[test]
    fn a_score_of_another_model_is_computed_again() {
        let mut state = with_two_texts();
        update(&mut state, ready("one"));
        let asked = state.pair.revision;
        update(&mut state, Action::Answered(asked, scored("one")));
        assert_eq!(update(&mut state, ready("one")), None, "the same model");
        let effect = update(&mut state, ready("another"));
        assert!(asks_again(effect.as_ref(), asked));
        assert!(state.pair.is_computing());
    }

    #[test]
    fn an_answer_of_the_model_before_is_dropped() {
        let mut state = with_two_texts();
        update(&mut state, ready("one"));
        let asked = state.pair.revision;
        let effect = update(&mut state, ready("another"));
        assert!(asks_again(effect.as_ref(), asked));
        update(&mut state, Action::Answered(asked, scored("one")));
        assert_eq!(state.pair.outcome, Outcome::Waiting);
        assert_eq!(state.daemon, Daemon::ready(&model("another")));
        let answer = Action::Answered(state.pair.revision, scored("another"));
        assert_eq!(update(&mut state, answer), None);
        assert!(!state.pair.is_computing());
    }

    #[test]
    fn keys_over_the_list_of_models_change_no_text() {
        let mut state = with_two_texts();
        let effect = press(&mut state, KeyCode::F(2));
        assert_eq!(effect, Some(Effect::ListModels));
        type_text(&mut state, "丙");
        update(&mut state, Action::Paste("丁".to_owned()));
        let texts = (state.pair.a.text(), state.pair.b.text());
        assert_eq!(texts, ("甲".to_owned(), "乙".to_owned()));
    }

    #[test]
    fn a_notice_stays_until_the_next_key() {
        let mut state = with_two_texts();
        update(&mut state, Action::Notice("another model".to_owned()));
        update(&mut state, ready("one"));
        assert_eq!(state.notice.as_deref(), Some("another model"));
        press(&mut state, KeyCode::Tab);
        assert_eq!(state.notice, None);
    }

    #[test]
    fn an_unreachable_daemon_changes_no_text() {
        let mut state = with_two_texts();
        update(&mut state, Action::Daemon(Daemon::Unreachable));
        assert_eq!(state.pair.a.text(), "甲");
        assert_eq!(state.daemon, Daemon::Unreachable);
    }

    /// Rows of the list: the model that answers, an installed one, and one that is not.
    fn list_models(state: &mut State, installed: bool) {
        let row = |name: &str, installed| ModelRow {
            name: name.to_owned(),
            installed,
            builtin: false,
            default: name == "one",
            megabytes: 1,
            license: None,
            source: None,
        };
        let rows = vec![row("one", true), row("two", installed), row("known", false)];
        update(state, Action::Models(ModelsEvent::Listed(Ok(rows))));
    }

    #[test]
    fn space_compares_with_an_installed_model_that_is_not_the_first() {
        let mut state = with_two_texts();
        update(&mut state, ready("one"));
        press(&mut state, KeyCode::F(2));
        list_models(&mut state, true);
        assert_eq!(press(&mut state, KeyCode::Char(' ')), None, "the first");
        press(&mut state, KeyCode::Down);
        let effect = press(&mut state, KeyCode::Char(' '));
        assert!(asks_again(effect.as_ref(), 0));
        press(&mut state, KeyCode::Down);
        assert_eq!(press(&mut state, KeyCode::Char(' ')), None, "not installed");
        let second = |state: &State| state.pair.second.as_ref().map(|of| of.name.clone());
        assert_eq!(second(&state).as_deref(), Some("two"));
        list_models(&mut state, false);
        assert_eq!(second(&state), None, "it was removed");
    }

    #[test]
    fn a_second_model_that_becomes_the_first_is_not_shown_twice() {
        for answers in [false, true] {
            let mut state = with_two_texts();
            update(&mut state, ready("one"));
            state.pair.toggle_second("two");
            if answers {
                let answer = Action::Answered(state.pair.revision, scored("two"));
                update(&mut state, answer);
            } else {
                update(&mut state, ready("two"));
            }
            assert_eq!(state.pair.second, None);
        }
    }
}
