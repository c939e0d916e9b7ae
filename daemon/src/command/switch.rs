//! `gted use`: choose the model.

use std::io::{self, Write};

use clap::Args;
use gte_daemon::store::Store;

/// Choose the model that the daemon uses from its next start on
#[derive(Args, Debug)]
pub(super) struct Use {
    /// An installed model, or the embedded one
    name: String,
}

impl Use {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        Store::of_user().choose(&self.name)?;
        let name = &self.name;
        writeln!(
            io::stdout(),
            "{name} is used from the daemon's next start on"
        )?;
        Ok(())
    }
}
