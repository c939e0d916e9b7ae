//! The screen's state and how it changes. No terminal, no socket: every change is an [`Action`]
//! that [`update`] applies, and what has to happen outside comes back as an [`Effect`].

mod action;
mod editor;
mod models;
mod state;
mod update;

pub use action::{Action, Effect};
pub use editor::Editor;
pub use models::{Models, News, Notice, PulledFile, Pulling, Remark};
pub use state::{Daemon, Outcome, Scored, Side, State};
pub use update::update;
