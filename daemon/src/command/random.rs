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
pub(super) enum Named {
    /// gte-small-zh's: 6 layers of 512
    Small,
    /// gte-base-zh's: 12 layers of 768
    Base,
    /// gte-large-zh's: 24 layers of 1024
    Large,
}

impl Named {
    pub(super) fn shape(self) -> Shape {
        match self {
            Self::Small => Shape::SMALL,
            Self::Base => Shape::BASE,
            Self::Large => Shape::LARGE,
        }
    }
}

impl Random {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        Ok(self.shape.shape().write(&self.folder)?)
    }
}
