//! What can happen to the screen, and what the screen can ask for.

use crossterm::event::KeyEvent;

use super::models::News;
use super::state::{Daemon, Outcome};

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Action {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size, or has to be drawn anew for another reason.
    Redraw,
    /// The texts have rested since the change of this number.
    Rested(u64),
    /// The comparison that the change of this number asked for has been answered.
    Answered(u64, Outcome),
    /// The daemon has become something else.
    Daemon(Daemon),
    /// Something has become known about models.
    Models(News),
    /// The program was told to end.
    End,
}

/// Something that has to happen outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Say so when the texts have rested for a moment since the change of this number.
    Rest(u64),
    /// Compare the texts.
    Compare {
        /// Number of the change, to be named in the answer.
        change: u64,
        /// The upper text.
        a: String,
        /// The lower text.
        b: String,
    },
    /// Find out which models there are.
    ListModels,
    /// Fetch a model.
    Pull {
        /// Number of the pull, to be named in its news.
        number: u64,
        /// The model.
        name: String,
    },
    /// Stop fetching.
    CancelPull,
    /// Have the daemon answer with a model.
    Use(String),
}
