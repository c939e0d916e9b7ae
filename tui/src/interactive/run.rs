//! Main loop of the screen: draw, wait for an action, update the state, run the effect.

use std::io;

use gte_shared::client::{Client, Start};
use gte_shared::endpoint::Endpoint;
use tokio::sync::mpsc;

use super::effects::Effects;
use super::kept_texts::{KeptTexts, KeptTextsError, Texts};
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
    /// The texts cannot be kept for the next start.
    #[error(transparent)]
    Texts(#[from] KeptTextsError),
}

impl ScreenError {
    /// Next step for the user, where there is one.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Texts(error) => Some(error.hint().to_owned()),
            Self::Terminal(_) | Self::Signals(_) => None,
        }
    }
}

/// Runs the screen until the user leaves. Texts are kept for the next start if `keeps_texts`.
///
/// # Errors
///
/// If the terminal cannot be used, signals cannot be caught, or texts cannot be kept.
pub(crate) async fn run(
    endpoint: Endpoint,
    start: Start,
    language: Language,
    keeps_texts: bool,
) -> Result<(), ScreenError> {
    let (action_tx, mut action_rx) = mpsc::unbounded_channel();
    let client = || {
        let notice_tx = action_tx.clone();
        Client::with_notices(endpoint.clone(), start, move |notice| {
            // The send fails once the screen is left.
            drop(notice_tx.send(Action::Notice(language.notice(notice))));
        })
    };
    let mut effects = Effects::start([client(), client()], language, action_tx.clone());
    tokio::spawn(end_on_signals(action_tx.clone()).map_err(ScreenError::Signals)?);

    let kept = keeps_texts.then(KeptTexts::of_user).transpose()?;
    let theme = Theme::of_environment();
    let mut state = State {
        keeps_texts,
        ..State::new(language)
    };
    if let Some(kept) = &kept {
        let Texts { a, b } = kept.load()?;
        effects.run(update(&mut state, Action::Restored([a, b])));
    }
    let mut screen = Screen::open().map_err(ScreenError::Terminal)?;
    read_events(action_tx);
    let drawn = loop {
        if let Err(error) = screen.draw(|frame| ui::draw(&state, theme, frame)) {
            break Err(ScreenError::Terminal(error));
        }
        let Some(action) = action_rx.recv().await else {
            break Ok(());
        };
        effects.run(update(&mut state, action));
        // Applies waiting actions before the next drawing: a paste that arrives as keys is drawn
        // once, not once per key.
        while let Ok(action) = action_rx.try_recv() {
            effects.run(update(&mut state, action));
        }
        if state.leaving {
            break Ok(());
        }
    };
    drop(screen);
    if let Some(kept) = &kept {
        let (a, b) = (state.pair.a.text(), state.pair.b.text());
        kept.save(&Texts { a, b })?;
    }
    drawn
}
