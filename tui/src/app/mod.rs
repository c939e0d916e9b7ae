//! State of the screen and its changes, without terminal or socket: every change is an [`Action`]
//! that [`update`] applies, and [`update`] returns work on the outside as an [`Effect`].

mod action;
mod editor;
mod effect;
mod key_hint;
mod screens;
mod state;
mod update;
#[cfg(test)]
mod update_tests;

pub use action::Action;
pub use editor::Editor;
pub use effect::Effect;
pub use key_hint::{KeyHint, Purpose};
pub use screens::explanation::{Explained, ExplanationState};
pub use screens::help::HelpState;
pub use screens::models::{ModelsError, ModelsEvent, ModelsState, Notice};
pub use screens::pair::{Outcome, PairState, Scored, SecondModel, Side};
pub use screens::pull::{PullWarning, PulledFile, Pulling};
pub use state::{Daemon, State};
pub use update::update;
