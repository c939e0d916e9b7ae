//! The screen's state and its changes. No terminal, no socket: every change is an [`Action`] that
//! [`update`] applies, and work for the world outside comes back as an [`Effect`].

mod action;
mod editor;
mod effect;
mod key_hint;
mod screens;
mod state;
mod update;

pub use action::Action;
pub use editor::Editor;
pub use effect::Effect;
pub use key_hint::{KeyHint, Purpose};
pub use screens::help::HelpState;
pub use screens::models::{ModelsEvent, ModelsState, Notice};
pub use screens::pair::{Outcome, PairState, Scored, Side};
pub use screens::pull::{PullWarning, PulledFile, Pulling};
pub use state::{Daemon, State};
pub use update::update;
