//! The command line of `gte`: one file per subcommand.
//!
//! Results go to stdout, messages to stderr. Exit status 0: success; 1: failure; 2: wrong usage or
//! wrong input.

mod arguments;
mod batch;
mod bench;
mod completions;
mod embed;
mod error;
mod example;
mod explanation;
mod global;
mod input;
mod man;
mod messages;
mod output;
mod pipeline;
mod rank;
mod restart;
mod sim;
mod status;
mod stop;
mod text_options;

pub use arguments::main;
pub use input::count_pairs;
