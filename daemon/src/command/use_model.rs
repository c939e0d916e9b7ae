//! `gted use`: select the model that the daemon uses.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use gte_shared::client::{Client, ClientError, Start};
use gte_shared::endpoint::Endpoint;
use gte_shared::settings::{Settings, keys};
use gte_shared::wire::UseModel;

use super::runtime::block_on;
use crate::store::Store;

/// Select the model that the daemon uses, now and after its next start
#[derive(Args, Debug)]
pub(super) struct Use {
    /// Name of an installed model, or of the built-in one
    name: String,

    /// Socket of the daemon [default: $GTE_SOCKET, else $XDG_RUNTIME_DIR/gte/gted.sock]
    #[arg(long, value_name = "PATH")]
    socket: Option<String>,
}

impl Use {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let socket: Option<PathBuf> =
            Settings::load()?.get(&keys::SOCKET, self.socket.as_deref())?;
        let client = Client::new(Endpoint::resolve(socket.as_deref())?, Start::Never);
        let name = &self.name;
        // A running daemon loads the model first, and then writes the selection.
        let when = match block_on(client.call(UseModel {
            model: name.clone(),
        }))? {
            Ok(_) => "from now on",
            Err(ClientError::NotRunning(_)) => {
                Store::of_user().use_model(name)?;
                "when the daemon is started"
            }
            Err(error) => return Err(error.into()),
        };
        writeln!(io::stdout(), "{name} is used {when}")?;
        Ok(())
    }
}
