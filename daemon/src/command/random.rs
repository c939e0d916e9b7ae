//! `gted random-model`: a model to measure with. Not listed in the help.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use gte_daemon::model::Shape;

/// Write a model of a published shape with random weights, to measure with
#[derive(Args, Debug)]
pub(super) struct Random {
    /// Its shape
    shape: Named,

    /// The folder to write, which must not be there yet
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Shapes by their names.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Named {
    Small,
    Base,
    Large,
}

impl Random {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let shape = match self.shape {
            Named::Small => Shape::SMALL,
            Named::Base => Shape::BASE,
            Named::Large => Shape::LARGE,
        };
        Ok(shape.write(&self.folder)?)
    }
}
