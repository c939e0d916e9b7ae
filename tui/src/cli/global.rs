//! Options of all subcommands.

use std::path::PathBuf;

use clap::Args;
use gte_shared::client::{Client, ClientError, Start};
use gte_shared::endpoint::Endpoint;
use gte_shared::score::Verdict;

use crate::strings::Language;

/// Options of all subcommands.
#[derive(Args, Debug)]
pub(super) struct Global {
    /// Socket of the daemon [default: $GTE_SOCKET, else $XDG_RUNTIME_DIR/gte/gted.sock]
    #[arg(long, global = true, value_name = "PATH")]
    socket: Option<PathBuf>,

    /// Fail when no daemon is running, instead of starting one
    #[arg(long, global = true)]
    no_start: bool,

    /// Print JSON, one object per line
    #[arg(long, global = true)]
    pub(super) json: bool,

    /// Language of the words [default: that of the environment; in JSON, Chinese]
    #[arg(long, global = true, value_name = "LANG")]
    lang: Option<Language>,
}

impl Global {
    pub(super) fn endpoint(&self) -> Result<Endpoint, ClientError> {
        Ok(Endpoint::resolve(self.socket.as_deref())?)
    }

    /// A client that starts a daemon unless the options forbid it.
    pub(super) fn client(&self) -> Result<Client, ClientError> {
        let start = if self.no_start {
            Start::Never
        } else {
            Start::IfNeeded
        };
        Ok(Client::new(self.endpoint()?, start))
    }

    pub(super) fn language(&self) -> Language {
        self.lang.unwrap_or_else(Language::of_environment)
    }

    /// The verdict as JSON and tables have it: the same everywhere unless a language is asked for, since
    /// scripts compare it.
    pub(super) fn interpretation(&self, verdict: Verdict) -> &'static str {
        self.lang.unwrap_or(Language::Zh).verdict(verdict)
    }
}
