//! `gte`, the terminal program.

use std::process::ExitCode;

use clap::Parser;
use gte_tui::cli::{Cli, report};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error),
    }
}
