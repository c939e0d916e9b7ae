//! The terminal and the daemon connected to the state.

mod comparer;
mod effects;
mod gted;
mod run;
mod signals;
mod terminal;

pub use run::{ScreenError, run};
