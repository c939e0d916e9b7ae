//! `gted serve`: hold the model and answer on a local socket.

mod error;
mod function;
mod http;
mod installed;
mod logging;
mod model_names;
mod options;
mod platform;
mod prepare;
mod reload;
mod run;
mod settings;
mod supervisor;

pub(super) use error::NotStarted;
pub(super) use function::Answering;
pub(super) use options::Serve;
