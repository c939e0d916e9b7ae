//! The arguments of `gted`.

use clap::{Parser, Subcommand};

use super::bench::Bench;
use super::convert::Convert;
use super::models::Models;
use super::pull::Pull;
use super::random::Random;
use super::remove::Remove;
use super::serve::Serve;
use super::use_model::Use;
use super::verify::Verify;

/// Local Chinese semantic similarity: the daemon that holds the model.
#[derive(Debug, Parser)]
#[command(name = "gted", version, propagate_version = true)]
pub(crate) struct Cli {
    /// The subcommand.
    #[command(subcommand)]
    command: Command,
}

/// Subcommands of `gted`.
#[derive(Debug, Subcommand)]
enum Command {
    /// Hold the model and answer on a local socket until told to end.
    Serve(Serve),
    Models(Models),
    Pull(Pull),
    Convert(Convert),
    Verify(Verify),
    Use(Use),
    Remove(Remove),
    Bench(Bench),
    #[command(name = "random-model", hide = true)]
    Random(Random),
}

impl Cli {
    /// Runs the subcommand.
    ///
    /// # Errors
    ///
    /// The failure of the subcommand, for the user.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Serve(serve) => serve.run(),
            Command::Models(models) => models.run(),
            Command::Pull(pull) => pull.run(),
            Command::Convert(convert) => convert.run(),
            Command::Verify(verify) => verify.run(),
            Command::Use(use_model) => use_model.run(),
            Command::Remove(remove) => remove.run(),
            Command::Bench(bench) => bench.run(),
            Command::Random(random) => random.run(),
        }
    }
}
