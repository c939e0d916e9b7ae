//! Connection of the state to the terminal and the daemon.

mod comparer;
mod effects;
mod escapes;
mod explainer;
mod gted;
mod kept_texts;
mod refusal;
mod run;
mod signals;
mod terminal;

pub(crate) use run::{ScreenError, run};
