//! `gted serve`: hold the model and answer on a local socket.

mod error;
mod installed;
mod logging;
mod options;
mod reload;
mod run;
mod settings;
mod supervisor;

pub(super) use error::NotStarted;
pub(super) use options::Serve;
