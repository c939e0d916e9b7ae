//! `gted remove`: remove an installed model.

use std::io::{self, Write};

use clap::Args;

use crate::store::Store;

/// Remove an installed model
#[derive(Args, Debug)]
pub(super) struct Remove {
    /// Name of the model
    name: String,
}

impl Remove {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        Store::of_user().remove(&self.name)?;
        writeln!(io::stdout(), "{} is removed", self.name)?;
        Ok(())
    }
}
