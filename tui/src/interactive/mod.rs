//! The terminal and the daemon connected to the state.

mod gted;
mod scorer;
mod terminal;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use gte_shared::client::Link;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::app::{Action, Effect, State, update};
use crate::strings::Language;
use crate::ui::{self, Theme};
use scorer::{Question, Scorer};
use terminal::Screen;

/// How long the texts must rest before they are compared: longer than the gap between two keys of a
/// fast typist, shorter than what is felt as waiting.
const REST: Duration = Duration::from_millis(120);

/// Why the screen cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ScreenError {
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
/// If the terminal cannot be used.
pub async fn run(link: Link, language: Language) -> Result<(), ScreenError> {
    let (actions, mut happened) = mpsc::unbounded_channel();
    let (ask, questions) = watch::channel(None);
    let scorer = Arc::new(Scorer::new(link, actions.clone()));
    tokio::spawn(scorer::run(Arc::clone(&scorer), questions));
    tokio::spawn(end_on_signals(actions.clone()).map_err(ScreenError::Signals)?);

    let theme = Theme::of_environment();
    let mut state = State::new(language);
    let mut screen = Screen::open().map_err(ScreenError::Terminal)?;
    terminal::read_events(actions.clone());
    let mut outside = Outside {
        scorer,
        ask,
        actions,
        pull: None,
    };
    while !state.leaving {
        screen
            .draw(|frame| ui::draw(&state, theme, frame))
            .map_err(ScreenError::Terminal)?;
        let Some(action) = happened.recv().await else {
            break;
        };
        outside.happen(update(&mut state, action));
        // Whatever else has happened meanwhile is drawn together: a paste that arrives as keys
        // costs one drawing, not one a key.
        while let Ok(action) = happened.try_recv() {
            outside.happen(update(&mut state, action));
        }
    }
    Ok(())
}

/// Where effects happen.
struct Outside {
    scorer: Arc<Scorer>,
    ask: watch::Sender<Option<Question>>,
    actions: mpsc::UnboundedSender<Action>,
    /// The pull that is under way.
    pull: Option<JoinHandle<()>>,
}

impl Outside {
    fn happen(&mut self, effect: Option<Effect>) {
        let actions = self.actions.clone();
        match effect {
            None => {}
            Some(Effect::Rest(change)) => {
                tokio::spawn(async move {
                    tokio::time::sleep(REST).await;
                    // The screen has been left: nobody is there to be told.
                    drop(actions.send(Action::Rested(change)));
                });
            }
            Some(Effect::Compare { change, a, b }) => {
                self.ask.send_replace(Some(Question { change, a, b }));
            }
            Some(Effect::ListModels) => drop(tokio::spawn(gted::list(actions))),
            Some(Effect::Pull { number, name }) => {
                self.pull = Some(tokio::spawn(gted::pull(number, name, actions)));
            }
            Some(Effect::CancelPull) => {
                if let Some(pull) = self.pull.take() {
                    pull.abort();
                }
            }
            Some(Effect::Use(name)) => {
                let scorer = Arc::clone(&self.scorer);
                drop(tokio::spawn(scorer::switch(scorer, name)));
            }
        }
    }
}

/// SIGTERM, SIGINT and SIGHUP leave as Esc does, so that the terminal is put back in order.
fn end_on_signals(actions: mpsc::UnboundedSender<Action>) -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hang_up.recv() => {}
        }
        // The screen has been left: nobody is there to be told.
        drop(actions.send(Action::End));
    })
}
