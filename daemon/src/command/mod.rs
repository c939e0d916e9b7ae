//! The command line of `gted`: one file per subcommand.

mod bench;
mod cli;
mod compute;
mod convert;
mod messages;
mod models;
mod options;
mod pull;
mod random;
mod remove;
mod serve;
mod use_model;
mod verify;

pub(crate) use cli::Cli;
