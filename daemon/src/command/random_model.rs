//! `gted random-model`: write a model for measurements. Not listed in the help.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::bench::Shape;

/// Write a model of a published shape with random weights, for measurements
#[derive(Args, Debug)]
pub(super) struct RandomModel {
    /// Shape of the model
    shape: NamedShape,

    /// Folder to write, which must not exist yet
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Names of the shapes.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum NamedShape {
    /// Shape of gte-small-zh: 6 layers of 512
    Small,
    /// Shape of gte-base-zh: 12 layers of 768
    Base,
    /// Shape of gte-large-zh: 24 layers of 1024
    Large,
}

impl NamedShape {
    pub(super) fn shape(self) -> Shape {
        match self {
            Self::Small => Shape::SMALL,
            Self::Base => Shape::BASE,
            Self::Large => Shape::LARGE,
        }
    }
}

impl RandomModel {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        Ok(self.shape.shape().write(&self.folder)?)
    }
}
