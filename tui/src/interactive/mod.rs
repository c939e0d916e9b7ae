//! Connection of the state to the terminal and the daemon.

mod comparer;
mod effects;
mod explainer;
mod gted;
mod refusal;
mod run;
mod signals;
mod terminal;

pub(crate) use run::run;
