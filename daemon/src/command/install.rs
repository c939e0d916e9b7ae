//! `gted install`: have the user's systemd start the daemon on demand.

use std::io::{self, Write};

use anyhow::Context;
use clap::Args;
use gte_shared::client::{ClientError, Notice, stop};
use gte_shared::endpoint::Endpoint;
use gte_shared::settings::{Settings, keys};

use super::messages::say;
use super::runtime::block_on;
use crate::lifecycle::units::{SERVICE_UNIT, SOCKET_UNIT, Units, check_manager, systemctl};
use crate::store::Store;

/// Have systemd start the daemon on demand, as a service of this user
#[derive(Args, Debug)]
pub(super) struct Install {
    /// Listen from now on, not from the next login on; a running daemon is stopped
    #[arg(long)]
    now: bool,
}

impl Install {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let units = Units::of_user(|name| std::env::var_os(name))?;
        units.installed()?;
        // Nothing is written that nobody would read, or for a daemon that could not start.
        check_manager()?;
        let named = Settings::load()?.value(&keys::SOCKET, None)?.value;
        let program = std::env::current_exe().context("this program does not know its path")?;
        let data = Store::of_user().make_root()?;
        let mut out = io::stdout();
        for path in units.write(&program, &data)? {
            writeln!(out, "wrote {}", path.display())?;
        }
        systemctl(&["daemon-reload"])?;
        systemctl(&["enable", SOCKET_UNIT])?;
        let endpoint = Endpoint::resolve(None)?;
        let socket = endpoint.path().display();
        if self.now {
            systemctl(&["stop", SOCKET_UNIT, SERVICE_UNIT])?;
            stop_daemon(&endpoint)?;
            systemctl(&["start", SOCKET_UNIT])?;
            writeln!(
                out,
                "{SOCKET_UNIT} listens at {socket}: a request starts the daemon"
            )?;
        } else {
            writeln!(
                out,
                "{SOCKET_UNIT} listens at {socket} from the next login on"
            )?;
        }
        if let Some(other) = named {
            say(format!(
                "the socket is set to {other}: clients with this setting do not use the service"
            ));
        }
        Ok(())
    }
}

/// Stops a daemon that somebody else than the service manager has started.
fn stop_daemon(endpoint: &Endpoint) -> anyhow::Result<()> {
    match block_on(stop(endpoint, &|notice: &Notice| say(notice)))? {
        Ok(()) | Err(ClientError::NotRunning(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
