//! The command line of `gted`: one file per subcommand.

mod bench;
mod calibrate;
mod cli;
mod completions;
mod compute_options;
mod config;
mod convert;
mod eval;
mod hints;
mod install;
mod lambda;
mod man;
mod messages;
mod models;
mod options;
mod pair_options;
mod pull;
mod random_model;
mod remove;
mod runtime;
mod serve;
mod uninstall;
mod use_model;
mod verify;

pub use cli::main;
