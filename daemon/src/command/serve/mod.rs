//! `gted serve`: hold the model and answer on a local socket.

mod error;
mod http;
mod installed;
mod logging;
mod model_names;
mod options;
mod prepare;
mod reload;
mod run;
mod settings;
mod supervisor;

pub(super) use error::NotStarted;
pub(super) use options::Serve;
