//! Actions: the events that change the state.

use crossterm::event::KeyEvent;

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
    /// The terminal has another size, or has to be drawn again for another reason.
    Redraw,
    /// The texts of this revision were compared.
    Answered(u64, Outcome),
    /// The daemon's condition changed.
    Daemon(Daemon),
    /// A model event arrived.
    Models(ModelsEvent),
    /// The program was told to end.
    End,
}
