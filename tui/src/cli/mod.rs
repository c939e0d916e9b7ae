//! The command line of `gte`: one file a subcommand.
//!
//! stdout is data, stderr is talk. Exit 0: done; 1: failed; 2: wrong usage or wrong input.

mod batch;
mod bench;
mod embed;
mod error;
mod example;
mod input;
mod output;
mod rank;
mod sim;
mod status;
mod stop;

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use gte_shared::client::{ClientError, Link, Start};
use gte_shared::endpoint::Endpoint;
use gte_shared::score::Label;
use gte_tui::interactive;
use gte_tui::strings::Language;

pub(crate) use error::report;

/// Local Chinese semantic similarity. Without a command: the terminal screen.
#[derive(Debug, Parser)]
#[command(name = "gte", version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Args, Debug)]
struct Global {
    /// Where the daemon listens [default: $GTE_SOCKET, else $XDG_RUNTIME_DIR/gte/gted.sock]
    #[arg(long, global = true, value_name = "PATH")]
    socket: Option<PathBuf>,

    /// Fail when no daemon is running, instead of starting one
    #[arg(long, global = true)]
    no_start: bool,

    /// Print JSON, one object a line
    #[arg(long, global = true)]
    json: bool,

    /// Language of the words [default: that of the environment; in JSON, Chinese]
    #[arg(long, global = true, value_name = "LANG")]
    lang: Option<Language>,
}

impl Global {
    fn endpoint(&self) -> Result<Endpoint, ClientError> {
        Ok(Endpoint::resolve(self.socket.as_deref())?)
    }

    fn link(&self) -> Result<Link, ClientError> {
        let start = if self.no_start {
            Start::Never
        } else {
            Start::IfNeeded
        };
        Ok(Link::new(self.endpoint()?, start))
    }

    fn language(&self) -> Language {
        self.lang.unwrap_or_else(Language::of_environment)
    }

    /// The verdict as JSON and tables say it: the same everywhere unless a language is asked for,
    /// since scripts compare it.
    fn interpretation(&self, label: Label) -> &'static str {
        self.lang.unwrap_or(Language::Zh).verdict(label)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Sim(sim::Sim),
    Batch(batch::Batch),
    Rank(rank::Rank),
    Embed(embed::Embed),
    Bench(bench::Bench),
    /// Say what the daemon is doing
    Status,
    /// Let the daemon finish what runs and end
    Stop,
}

impl Cli {
    /// Does what was asked for.
    ///
    /// # Errors
    ///
    /// With whatever kept it from being done; [`report`] tells the person who asked.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let global = self.global;
        match self.command {
            Some(Command::Sim(sim)) => sim.run(&global).await,
            Some(Command::Batch(batch)) => batch.run(&global).await,
            Some(Command::Rank(rank)) => rank.run(&global).await,
            Some(Command::Embed(embed)) => embed.run(&global).await,
            Some(Command::Bench(bench)) => bench.run(&global).await,
            Some(Command::Status) => status::run(&global).await,
            Some(Command::Stop) => stop::run(&global).await,
            None if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() => {
                let language = global.language();
                Ok(interactive::run(global.link()?, language).await?)
            }
            None => example::run(&global).await,
        }
    }
}
