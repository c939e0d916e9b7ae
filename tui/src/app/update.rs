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
        Action::Paste(text) => {
            state.notice = None;
            state.asks_to_leave = false;
            // An input method may commit as a paste. It is meant for the texts, and shown there.
            uncover(state);
            state.pair.on_paste(&text)
        }
        Action::Restored(texts) => state.pair.restore(&texts),
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
    let asked = mem::take(&mut state.asks_to_leave);
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if control => state.leaving = true,
        KeyCode::Char(character) if state.help.is_open() && !control => {
            state.help.close();
            // A character is meant for a text, but for the one that has opened the help.
            let closes_only = opens_help(character) && state.pair.focused().is_empty();
            if !closes_only {
                return state.pair.on_key(key);
            }
        }
        _ if state.help.is_open() => {
            let lines = state.language.strings().help.len();
            state.help.on_key(key, lines);
        }
        KeyCode::Char(' ') if state.models.open => return toggle_second(state),
        _ if state.models.open => return state.models.on_key(key),
        _ if state.explanation.is_open() => return state.explanation.on_key(key),
        KeyCode::F(2) => return Some(state.models.open()),
        KeyCode::F(3) => return state.explanation.open(&state.pair),
        KeyCode::Esc => {
            // It may have been meant for an input method.
            let is_empty = state.pair.a.is_empty() && state.pair.b.is_empty();
            state.leaving = is_empty || state.keeps_texts || asked;
            state.asks_to_leave = !state.leaving;
        }
        KeyCode::F(1) => state.help.open(),
        // In a text, a question mark is a character.
        KeyCode::Char(character) if opens_help(character) && state.pair.focused().is_empty() => {
            state.help.open();
        }
        _ => return state.pair.on_key(key),
    }
    None
}

/// Returns true for a question mark. A Chinese input method types the wide form.
fn opens_help(character: char) -> bool {
    matches!(character, '?' | '？')
}

/// Closes the panels over the texts.
fn uncover(state: &mut State) {
    state.help.close();
    state.models.open = false;
    state.explanation.close();
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
