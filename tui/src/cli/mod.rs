//! The command line of `gte`: one file per subcommand.
//!
//! stdout is data, stderr is talk. Exit 0: done; 1: failed; 2: wrong usage or wrong input.

mod arguments;
mod batch;
mod bench;
mod completions;
mod embed;
mod error;
mod example;
mod global;
mod input;
mod man;
mod output;
mod rank;
mod sim;
mod status;
mod stop;

pub use arguments::{Arguments, main};
