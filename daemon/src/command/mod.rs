//! The command line of `gted`: one file a subcommand.

mod serve;

use clap::{Parser, Subcommand};

pub use serve::Serve;

/// Local Chinese semantic similarity: the daemon that holds the model.
#[derive(Debug, Parser)]
#[command(name = "gted", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What `gted` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Hold the model and answer on a local socket until told to end.
    Serve(Serve),
}

impl Cli {
    /// Does it.
    ///
    /// # Errors
    ///
    /// With whatever kept it from being done, for the person who asked.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Serve(serve) => serve.run(),
        }
    }
}
