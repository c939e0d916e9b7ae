//! The command line of `gted`: one file per subcommand.

mod bench;
mod cli;
mod compute_options;
mod convert;
mod messages;
mod models;
mod options;
mod pull;
mod random_model;
mod remove;
mod serve;
mod use_model;
mod verify;

pub use cli::{Cli, main};
