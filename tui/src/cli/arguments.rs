//! Arguments of `gte`.

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use gte_shared::{VERSION, report};

use super::global::GlobalOptions;
use super::{
    batch, bench, completions, embed, error, example, man, rank, restart, sim, status, stop,
};
use crate::interactive;

/// Local Chinese semantic similarity. Without a command: the terminal screen.
#[derive(Debug, Parser)]
#[command(name = "gte", version = VERSION, propagate_version = true)]
struct Arguments {
    #[command(flatten)]
    global: GlobalOptions,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Sim(sim::Sim),
    Batch(batch::Batch),
    Rank(rank::Rank),
    Embed(embed::Embed),
    Bench(bench::Bench),
    Status(status::Status),
    /// Stop the daemon after it has answered its pending requests
    Stop,
    /// Stop the daemon, and start the one beside this program
    Restart,
    Completions(completions::Completions),
    Man(man::Man),
}

/// Runs `gte` with the arguments of this process.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.kind() == ErrorKind::InvalidUtf8 => {
            let error = error::not_utf8(std::env::args_os().skip(1));
            return report::fail("gte", &error, report::EXIT_WRONG_INPUT, error::hint);
        }
        Err(error) => error.exit(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(arguments.run()),
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::fail("gte", error.as_ref(), error::status(&error), error::hint),
    }
}

impl Arguments {
    /// Runs the subcommand, or the screen.
    async fn run(self) -> anyhow::Result<()> {
        let command = match self.command {
            Some(Command::Completions(completions)) => return completions.run::<Self>(),
            Some(Command::Man(man)) => return man.run::<Self>(),
            command => command,
        };
        let global = self.global.resolve()?;
        match command {
            Some(Command::Sim(sim)) => sim.run(&global).await,
            Some(Command::Batch(batch)) => batch.run(&global).await,
            Some(Command::Rank(rank)) => rank.run(&global).await,
            Some(Command::Embed(embed)) => embed.run(&global).await,
            Some(Command::Bench(bench)) => bench.run(&global).await,
            Some(Command::Status(status)) => status.run(&global).await,
            Some(Command::Stop) => stop::run(&global).await,
            Some(Command::Restart) => restart::run(&global).await,
            // Done above.
            Some(Command::Completions(_) | Command::Man(_)) => Ok(()),
            None if io::stdin().is_terminal() && io::stdout().is_terminal() => {
                let language = global.language();
                let keeps_texts = global.keeps_texts;
                let screen =
                    interactive::run(global.endpoint()?, global.start(), language, keeps_texts);
                Ok(screen.await?)
            }
            None => example::run(&global).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
