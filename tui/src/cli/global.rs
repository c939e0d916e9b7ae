//! Options of all subcommands, and the settings in force.

use std::path::PathBuf;

use clap::Args;
use gte_shared::client::{Client, ClientError, Start};
use gte_shared::endpoint::Endpoint;
use gte_shared::score::Verdict;
use gte_shared::settings::{Settings, SettingsError, keys};

use super::messages::tell;
use crate::strings::Language;

/// Options of all subcommands.
#[derive(Args, Debug)]
pub(super) struct GlobalOptions {
    /// Socket of the daemon [default: $GTE_SOCKET, else $XDG_RUNTIME_DIR/gte/gted.sock]
    #[arg(long, global = true, value_name = "PATH")]
    socket: Option<String>,

    /// Fail if no daemon is running, instead of starting one
    #[arg(long, global = true)]
    no_start: bool,

    /// Print JSON, one object per line
    #[arg(long, global = true)]
    json: bool,

    /// Language of the output [default: that of the environment; in JSON and tables, Chinese]
    #[arg(long, global = true, value_name = "LANG", value_parser = ["zh", "en"])]
    lang: Option<String>,
}

/// Settings of all subcommands: options, environment and configuration file.
#[derive(Debug)]
pub(super) struct Global {
    socket: Option<PathBuf>,
    start: bool,
    pub(super) json: bool,
    lang: Option<Language>,
    /// True if the screen keeps its texts for the next start.
    pub(super) keeps_texts: bool,
}

impl GlobalOptions {
    /// Reads the environment and the configuration file beside the options.
    pub(super) fn resolve(&self) -> Result<Global, SettingsError> {
        let settings = Settings::load()?;
        let start = settings.get(&keys::START, self.no_start.then_some("false"))?;
        let json = settings.get(&keys::JSON, self.json.then_some("true"))?;
        Ok(Global {
            socket: settings.get(&keys::SOCKET, self.socket.as_deref())?,
            start: start.unwrap_or(true),
            json: json.unwrap_or(false),
            keeps_texts: settings.get(&keys::KEEP_TEXTS, None)?.unwrap_or(false),
            lang: settings.get(&keys::LANG, self.lang.as_deref())?,
        })
    }
}

impl Global {
    pub(super) fn endpoint(&self) -> Result<Endpoint, ClientError> {
        Ok(Endpoint::resolve(self.socket.as_deref())?)
    }

    /// Creates a client, which starts a daemon unless the settings forbid it.
    pub(super) fn client(&self) -> Result<Client, ClientError> {
        Ok(Client::with_notices(self.endpoint()?, self.start(), tell))
    }

    /// Behavior if no daemon is running.
    pub(super) fn start(&self) -> Start {
        if self.start {
            Start::IfNeeded
        } else {
            Start::Never
        }
    }

    pub(super) fn language(&self) -> Language {
        self.lang.unwrap_or_else(Language::of_environment)
    }

    /// Text of a verdict in JSON and tables: Chinese unless the language is set, whatever the
    /// environment's locale, since scripts compare it.
    pub(super) fn interpretation(&self, verdict: Verdict) -> &'static str {
        self.lang.unwrap_or(Language::Zh).verdict(verdict)
    }
}
