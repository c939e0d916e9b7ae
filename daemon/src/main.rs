//! `gted`, the resident daemon.

mod command;

use std::process::ExitCode;

use clap::Parser;
use gte_daemon::lifecycle::InstanceError;
use gte_shared::EXIT_ALREADY_RUNNING;

use command::Cli;

#[expect(clippy::print_stderr, reason = "the last word to whoever called")]
fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gted: {error:#}");
            match error.downcast_ref() {
                Some(InstanceError::AlreadyRunning(_)) => EXIT_ALREADY_RUNNING.into(),
                _ => ExitCode::FAILURE,
            }
        }
    }
}
