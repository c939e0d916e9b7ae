//! Actions: the events that change the state.

use crossterm::event::KeyEvent;

use super::screens::explanation::Explained;
use super::screens::models::ModelsEvent;
use super::screens::pair::Outcome;
use super::state::Daemon;

/// Event that changes the state.
#[derive(Clone, Debug)]
pub enum Action {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// Texts of an earlier start were read.
    Restored([String; 2]),
    /// The size of the terminal changed, so that the screen is drawn again.
    Redraw,
    /// The daemon compared the texts of this revision.
    Answered(u64, Outcome),
    /// The second model compared the texts of this revision.
    SecondAnswered(u64, Outcome),
    /// The daemon answered the explanation of this number.
    Explained(u64, Explained),
    /// The daemon's condition changed.
    Daemon(Daemon),
    /// The user should know something about the daemon.
    Notice(String),
    /// A model event arrived.
    Models(ModelsEvent),
    /// A signal or the end of the terminal ends the program.
    End,
}
