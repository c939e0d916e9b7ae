//! The terminal and the daemon connected to the state.

mod scorer;
mod terminal;

use std::time::Duration;

use anyhow::Context;
use gte_shared::endpoint::Endpoint;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::app::{Action, Effect, State, update};
use crate::strings::Language;
use crate::ui::{self, Theme};
use scorer::Question;
use terminal::Screen;

/// How long the texts must rest before they are compared: longer than the gap between two keys of a
/// fast typist, shorter than what is felt as waiting.
const REST: Duration = Duration::from_millis(120);

/// Runs the screen until the user leaves.
///
/// # Errors
///
/// If the terminal cannot be used.
pub async fn run(endpoint: Endpoint, start: bool, language: Language) -> anyhow::Result<()> {
    let (actions, mut happened) = mpsc::unbounded_channel();
    let (ask, questions) = watch::channel(None);
    tokio::spawn(scorer::run(endpoint, start, questions, actions.clone()));
    tokio::spawn(end_on_signals(actions.clone())?);

    let theme = Theme::of_environment();
    let mut state = State::new(language);
    let mut screen = Screen::open().context("the terminal cannot be used")?;
    terminal::read_events(actions.clone());
    while !state.leaving {
        screen.draw(|frame| ui::draw(&state, theme, frame))?;
        let Some(action) = happened.recv().await else {
            break;
        };
        apply(&mut state, action, &ask, &actions);
        // Whatever else has happened meanwhile is drawn together: a paste that arrives as keys
        // costs one drawing, not one a key.
        while let Ok(action) = happened.try_recv() {
            apply(&mut state, action, &ask, &actions);
        }
    }
    Ok(())
}

fn apply(
    state: &mut State,
    action: Action,
    ask: &watch::Sender<Option<Question>>,
    actions: &mpsc::UnboundedSender<Action>,
) {
    match update(state, action) {
        None => {}
        Some(Effect::Rest(change)) => {
            let actions = actions.clone();
            tokio::spawn(async move {
                tokio::time::sleep(REST).await;
                // The screen has been left: nobody is there to be told.
                drop(actions.send(Action::Rested(change)));
            });
        }
        Some(Effect::Compare { change, a, b }) => {
            ask.send_replace(Some(Question { change, a, b }));
        }
    }
}

/// SIGTERM and SIGHUP leave as Esc does, so that the terminal is put back in order.
fn end_on_signals(
    actions: mpsc::UnboundedSender<Action>,
) -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("signals cannot be caught")?;
    let mut hang_up = signal(SignalKind::hangup()).context("signals cannot be caught")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
        // The screen has been left: nobody is there to be told.
        drop(actions.send(Action::End));
    })
}
