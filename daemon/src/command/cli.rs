//! Arguments of `gted`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use gte_shared::settings::SettingsError;
use gte_shared::{EXIT_ALREADY_RUNNING, VERSION, report};

use super::bench::Bench;
use super::calibrate::Calibrate;
use super::completions::Completions;
use super::config::Config;
use super::convert::Convert;
use super::eval::Eval;
use super::hints::hint;
use super::install::Install;
use super::lambda::{self, Lambda};
use super::man::Man;
use super::models::Models;
use super::pull::Pull;
use super::random_model::RandomModel;
use super::remove::Remove;
use super::serve::{NotStarted, Serve};
use super::uninstall::Uninstall;
use super::use_model::Use;
use super::verify::Verify;
use crate::eval::EvalError;
use crate::lifecycle::InstanceError;

/// Exit status of a failure without an exit status of its own.
const EXIT_FAILURE: u8 = 1;

/// Exit status of a daemon that could not start: what is wrong stays wrong, and a service manager
/// is not to try again by itself (`RestartPreventExitStatus=`, systemd.service(5)).
const EXIT_NOT_STARTED: u8 = 4;

/// Runs `gted` with the arguments of this process.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::parse_from(lambda::arguments()).run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::fail("gted", error.as_ref(), exit_status(&error), hint),
    }
}

fn exit_status(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<NotStarted>() {
        Some(NotStarted(reason)) => match reason.downcast_ref() {
            Some(InstanceError::AlreadyRunning(_)) => EXIT_ALREADY_RUNNING,
            _ => EXIT_NOT_STARTED,
        },
        None if error.is::<SettingsError>() || is_wrong_input(error) => report::EXIT_WRONG_INPUT,
        None => EXIT_FAILURE,
    }
}

/// Returns true for a fault in the pairs that a user has given.
fn is_wrong_input(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref(),
        Some(EvalError::Line { .. } | EvalError::Text { .. } | EvalError::Unfit(_))
    )
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
    Serve(Box<Serve>),
    Lambda(Lambda),
    Models(Models),
    Pull(Pull),
    Convert(Convert),
    Verify(Verify),
    Use(Use),
    Remove(Remove),
    Bench(Bench),
    Eval(Eval),
    Calibrate(Calibrate),
    Config(Config),
    Install(Install),
    Uninstall(Uninstall),
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
            Command::Lambda(Lambda {}) => Lambda::run(),
            Command::Models(models) => models.run(),
            Command::Pull(pull) => pull.run(),
            Command::Convert(convert) => convert.run(),
            Command::Verify(verify) => verify.run(),
            Command::Use(use_model) => use_model.run(),
            Command::Remove(remove) => remove.run(),
            Command::Bench(bench) => bench.run(),
            Command::Eval(eval) => eval.run(),
            Command::Calibrate(calibrate) => calibrate.run(),
            Command::Config(config) => config.run(),
            Command::Install(install) => install.run(),
            Command::Uninstall(uninstall) => uninstall.run(),
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
