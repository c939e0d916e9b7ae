//! The list of models, and pulls.

use std::time::Duration;

use crossterm::event::KeyCode;
use gte_shared::models::{ModelRow, PullEvent};
use gte_tui::app::{Action, ModelsEvent, State, update};
use gte_tui::strings::Language;

use super::{BUILTIN, check, press, ready};

fn send(state: &mut State, event: ModelsEvent) {
    update(state, Action::Models(event));
}

/// More models than a small screen has rows; the first is installed.
pub(crate) fn rows() -> ModelsEvent {
    let row = |name: &str, megabytes, license: &str| ModelRow {
        name: name.to_owned(),
        installed: false,
        builtin: name == BUILTIN,
        default: name == BUILTIN,
        megabytes,
        license: Some(license.to_owned()),
        source: None,
    };
    let mut rows = vec![
        ModelRow {
            installed: true,
            ..row("text2vec-base-chinese", 409, "Apache-2.0")
        },
        row("gte-small-zh", 61, "Apache-2.0"),
        row("gte-base-zh", 205, "Apache-2.0"),
        row(BUILTIN, 24, "MIT"),
    ];
    rows.extend((1..=6).map(|number| row(&format!("further-{number}"), 1302, "MIT")));
    ModelsEvent::Listed(Ok(rows))
}

/// State with the list of models open.
fn listed(language: Language) -> State {
    let mut state = ready(language);
    press(&mut state, KeyCode::F(2));
    send(&mut state, rows());
    state
}

/// State with the list of models open while gte-base-zh is pulled.
pub(crate) fn pulling(language: Language) -> State {
    let mut state = listed(language);
    press(&mut state, KeyCode::Up);
    press(&mut state, KeyCode::Enter);
    for (have, seconds) in [(20_000_000, 1), (120_000_000, 9)] {
        let event = PullEvent::Progress {
            file: "model.safetensors".to_owned(),
            size: Some(204_800_000),
            have,
        };
        send(
            &mut state,
            ModelsEvent::Pulled(1, event, Duration::from_secs(seconds)),
        );
    }
    state
}

#[test]
fn the_models() {
    check("models", listed);
}

#[test]
fn the_end_of_the_list_of_models() {
    check("models-end", |language| {
        let mut state = listed(language);
        (0..20).for_each(|_| press(&mut state, KeyCode::Down));
        state
    });
}

#[test]
fn a_pull_in_the_list_of_models() {
    check("pulling", pulling);
}

#[test]
fn a_pull_while_the_list_is_closed() {
    check("pulling-closed", |language| {
        let mut state = pulling(language);
        press(&mut state, KeyCode::Esc);
        state
    });
}

#[test]
fn a_pulled_model_that_is_loaded() {
    check("switching", |language| {
        let mut state = pulling(language);
        let installed = PullEvent::Installed {
            name: "gte-base-zh".to_owned(),
            source: "modelscope:owner/gte".to_owned(),
            already: false,
        };
        send(
            &mut state,
            ModelsEvent::Pulled(1, installed, Duration::from_secs(20)),
        );
        state
    });
}

#[test]
fn a_pull_that_failed() {
    check("pull-failed", |language| {
        let mut state = pulling(language);
        let words = "hub.example cannot be reached: connection refused; a mirror or proxy may help, see `gted pull --help`";
        let failed = PullEvent::Failed {
            source: "modelscope:owner/gte".to_owned(),
            error: "hub.example takes no more requests for now (429)".to_owned(),
        };
        send(
            &mut state,
            ModelsEvent::Pulled(1, failed, Duration::from_secs(20)),
        );
        send(&mut state, ModelsEvent::PullFailed(1, words.to_owned()));
        state
    });
}
