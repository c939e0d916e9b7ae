//! Commands for scripts: their output, their messages and their exit codes.

mod batch;
mod bench;
mod embed;
mod explain;
mod formats;
mod golden;
mod input;
mod output;
mod rank;
mod sim;
mod status;
mod texts;
mod truncation;
