//! Arguments of `gted`.

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use gte_shared::{EXIT_ALREADY_RUNNING, VERSION, report};

use super::bench::Bench;
use super::completions::Completions;
use super::convert::Convert;
use super::man::Man;
use super::models::Models;
use super::pull::Pull;
use super::random_model::RandomModel;
use super::remove::Remove;
use super::serve::Serve;
use super::use_model::Use;
use super::verify::Verify;
use crate::lifecycle::InstanceError;
use crate::model::ModelError;
use crate::serve::BindError;
use crate::store::StoreError;

/// Exit status of a failure without an exit status of its own.
const EXIT_FAILURE: u8 = 1;

/// Runs `gted` with the arguments of this process.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let status = match error.downcast_ref() {
                Some(InstanceError::AlreadyRunning(_)) => EXIT_ALREADY_RUNNING,
                _ => EXIT_FAILURE,
            };
            report::fail("gted", error.as_ref(), status, hint)
        }
    }
}

/// Next step after an error of this crate.
fn hint(error: &(dyn Error + 'static)) -> Option<String> {
    let store = error.downcast_ref().and_then(StoreError::hint);
    store
        .or_else(|| error.downcast_ref().and_then(ModelError::hint))
        .or_else(|| error.downcast_ref().and_then(InstanceError::hint))
        .or_else(|| error.downcast_ref().and_then(BindError::hint))
}

/// Local Chinese semantic similarity: the daemon that holds the model.
#[derive(Debug, Parser)]
#[command(name = "gted", version = VERSION, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Subcommands of `gted`.
#[derive(Debug, Subcommand)]
enum Command {
    Serve(Serve),
    Models(Models),
    Pull(Pull),
    Convert(Convert),
    Verify(Verify),
    Use(Use),
    Remove(Remove),
    Bench(Bench),
    Completions(Completions),
    Man(Man),
    #[command(name = "random-model", hide = true)]
    Random(RandomModel),
}

impl Cli {
    /// Runs the subcommand.
    fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Serve(serve) => serve.run(),
            Command::Models(models) => models.run(),
            Command::Pull(pull) => pull.run(),
            Command::Convert(convert) => convert.run(),
            Command::Verify(verify) => verify.run(),
            Command::Use(use_model) => use_model.run(),
            Command::Remove(remove) => remove.run(),
            Command::Bench(bench) => bench.run(),
            Command::Completions(completions) => completions.run::<Self>(),
            Command::Man(man) => man.run::<Self>(),
            Command::Random(random) => random.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
