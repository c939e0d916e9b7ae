//! Tests of the changes of the state.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use gte_shared::models::ModelRow;
use gte_shared::score::{Scale, Verdict};
use gte_shared::wire::{ModelInfo, Pooling, Precision, TextInfo, TextRules};

use super::action::Action;
use super::effect::Effect;
use super::key_hint::Purpose;
use super::screens::models::ModelsEvent;
use super::screens::pair::{Outcome, Scored};
use super::state::{Daemon, State};
use super::update::update;
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
    let texts = (state.pair.a.text(), state.pair.b.text());
    assert_eq!(texts, ("甲".to_owned(), "乙".to_owned()));
}

#[test]
fn a_paste_over_a_panel_is_kept() {
    for code in [KeyCode::F(1), KeyCode::F(2), KeyCode::F(3)] {
        let mut state = with_two_texts();
        press(&mut state, code);
        let asked = state.pair.revision;
        let effect = update(&mut state, Action::Paste("你好".to_owned()));
        assert!(asks_again(effect.as_ref(), asked));
        assert_eq!(state.pair.b.text(), "乙你好");
        assert!(!state.is_covered());
    }
}

#[test]
fn a_character_over_the_help_is_kept() {
    let mut state = with_two_texts();
    press(&mut state, KeyCode::F(1));
    type_text(&mut state, "丙？");
    assert_eq!(state.pair.b.text(), "乙丙？");
    let mut state = State::new(Language::Zh);
    type_text(&mut state, "??");
    assert!(!state.help.is_open(), "it opens and closes");
    assert!(state.pair.a.is_empty());
}

#[test]
fn escape_asks_once_before_texts_are_lost() {
    let mut state = with_two_texts();
    press(&mut state, KeyCode::Esc);
    assert!(state.asks_to_leave && !state.leaving);
    press(&mut state, KeyCode::Tab);
    assert!(!state.asks_to_leave, "another key answers no");
    press(&mut state, KeyCode::Esc);
    update(&mut state, Action::Paste("丙".to_owned()));
    assert!(!state.asks_to_leave, "so does a paste");
    press(&mut state, KeyCode::Esc);
    press(&mut state, KeyCode::Esc);
    assert!(state.leaving);
    let mut state = with_two_texts();
    let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    update(&mut state, Action::Key(control_c));
    assert!(state.leaving, "at once");
    let mut state = with_two_texts();
    state.keeps_texts = true;
    press(&mut state, KeyCode::Esc);
    assert!(state.leaving, "nothing is lost");
}

#[test]
fn restored_texts_are_compared() {
    let mut state = State::new(Language::Zh);
    let texts = ["甲\n".to_owned(), "乙".to_owned()];
    let effect = update(&mut state, Action::Restored(texts));
    assert!(asks_again(effect.as_ref(), 0));
    assert_eq!(state.pair.a.text(), "甲\n");
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
