//! The command line of `gted`: one file a subcommand.

mod bench;
mod compute;
mod convert;
mod models;
mod pull;
mod random;
mod remove;
mod serve;
mod switch;
mod verify;

use clap::{Parser, Subcommand};
use gte_shared::wire::Pooling;

use serve::Serve;

/// Local Chinese semantic similarity: the daemon that holds the model.
#[derive(Debug, Parser)]
#[command(name = "gted", version, propagate_version = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

/// What `gted` can do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Hold the model and answer on a local socket until told to end.
    Serve(Serve),
    Models(models::Models),
    Pull(pull::Pull),
    Convert(convert::Convert),
    Verify(verify::Verify),
    Use(switch::Use),
    Remove(remove::Remove),
    Bench(bench::Bench),
    #[command(name = "random-model", hide = true)]
    Random(random::Random),
}

impl Cli {
    /// Does it.
    ///
    /// # Errors
    ///
    /// With whatever kept it from being done, for the person who asked.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Serve(serve) => serve.run(),
            Command::Models(models) => models.run(),
            Command::Pull(pull) => pull.run(),
            Command::Convert(convert) => convert.run(),
            Command::Verify(verify) => verify.run(),
            Command::Use(choice) => choice.run(),
            Command::Remove(remove) => remove.run(),
            Command::Bench(bench) => bench.run(),
            Command::Random(random) => random.run(),
        }
    }
}

/// For `--pooling`.
fn parse_pooling(word: &str) -> Result<Pooling, &'static str> {
    match word {
        "cls" => Ok(Pooling::Cls),
        "mean" => Ok(Pooling::Mean),
        _ => Err("cls and mean are known"),
    }
}
