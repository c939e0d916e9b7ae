//! `gte man DIR`: man pages.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, CommandFactory};

/// Write the man pages to a folder
#[derive(Args, Debug)]
pub(super) struct Man {
    /// Folder, which must exist
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Man {
    pub(super) fn run<A: CommandFactory>(&self) -> anyhow::Result<()> {
        let written = clap_mangen::generate_to(A::command(), &self.folder);
        written.with_context(|| format!("{} cannot be written", self.folder.display()))
    }
}
