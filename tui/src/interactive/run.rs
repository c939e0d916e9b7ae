//! Main loop of the screen: draw, wait for an action, update the state, run the effect.

use std::io;

use gte_shared::client::{Client, Start};
use gte_shared::endpoint::Endpoint;
use tokio::sync::mpsc;

use super::effects::Effects;
use super::signals::end_on_signals;
use super::terminal::{Screen, read_events};
use crate::app::{Action, State, update};
use crate::strings::Language;
use crate::ui::{self, Theme};

/// Failure to show the screen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScreenError {
    /// The terminal cannot be drawn on.
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[source] io::Error),
    /// The signals that end the screen cannot be caught.
    #[error("signals cannot be caught: {0}")]
    Signals(#[source] io::Error),
}

/// Runs the screen until the user leaves.
///
/// # Errors
///
/// If the terminal cannot be used, or signals cannot be caught.
pub(crate) async fn run(
    endpoint: Endpoint,
    start: Start,
    language: Language,
) -> Result<(), ScreenError> {
    let (action_tx, mut action_rx) = mpsc::unbounded_channel();
    let client = || {
        let notice_tx = action_tx.clone();
        Client::with_notices(endpoint.clone(), start, move |notice| {
            // The send fails once the screen is left.
            drop(notice_tx.send(Action::Notice(notice.to_string())));
        })
    };
    let mut effects = Effects::start([client(), client()], action_tx.clone());
    tokio::spawn(end_on_signals(action_tx.clone()).map_err(ScreenError::Signals)?);

    let theme = Theme::of_environment();
    let mut state = State::new(language);
    let mut screen = Screen::open().map_err(ScreenError::Terminal)?;
    read_events(action_tx);
    while !state.leaving {
        screen
            .draw(|frame| ui::draw(&state, theme, frame))
            .map_err(ScreenError::Terminal)?;
        let Some(action) = action_rx.recv().await else {
            break;
        };
        effects.run(update(&mut state, action));
        // Applies waiting actions before the next drawing: a paste that arrives as keys is drawn
        // once, not once per key.
        while let Ok(action) = action_rx.try_recv() {
            effects.run(update(&mut state, action));
        }
    }
    Ok(())
}
