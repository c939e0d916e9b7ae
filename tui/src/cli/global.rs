//! Options of all subcommands.

use std::path::PathBuf;

use clap::Args;
use gte_shared::client::{Client, ClientError, Start};
use gte_shared::endpoint::Endpoint;
use gte_shared::score::Verdict;

use super::messages::tell;
use crate::strings::Language;

/// Options of all subcommands.
#[derive(Args, Debug)]
pub(super) struct Global {
    /// Socket of the daemon [default: $GTE_SOCKET, else $XDG_RUNTIME_DIR/gte/gted.sock]
    #[arg(long, global = true, value_name = "PATH")]
    socket: Option<PathBuf>,

    /// Fail if no daemon is running, instead of starting one
    #[arg(long, global = true)]
    no_start: bool,

    /// Print JSON, one object per line
    #[arg(long, global = true)]
    pub(super) json: bool,

    /// Language of the output [default: that of the environment; in JSON and tables, Chinese]
    #[arg(long, global = true, value_name = "LANG")]
    lang: Option<Language>,
}

impl Global {
    pub(super) fn endpoint(&self) -> Result<Endpoint, ClientError> {
        Ok(Endpoint::resolve(self.socket.as_deref())?)
    }

    /// Creates a client, which starts a daemon unless the options forbid it.
    pub(super) fn client(&self) -> Result<Client, ClientError> {
        Ok(Client::with_notices(self.endpoint()?, self.start(), tell))
    }

    /// Behavior if no daemon is running.
    pub(super) fn start(&self) -> Start {
        if self.no_start {
            Start::Never
        } else {
            Start::IfNeeded
        }
    }

    pub(super) fn language(&self) -> Language {
        self.lang.unwrap_or_else(Language::of_environment)
    }

    /// Text of a verdict in JSON and tables: Chinese unless --lang is given, whatever the
    /// environment, since scripts compare it.
    pub(super) fn interpretation(&self, verdict: Verdict) -> &'static str {
        self.lang.unwrap_or(Language::Zh).verdict(verdict)
    }
}
