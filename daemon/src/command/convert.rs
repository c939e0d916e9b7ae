//! `gted convert`: install a model from a folder.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use gte_daemon::model::Folder;
use gte_daemon::store::{Occupied, Origin, Store, catalogue};
use gte_shared::wire::Pooling;

use super::parse_pooling;

/// Install a model from a folder, or from the file of its weights in one
///
/// Takes the Hugging Face and the ModelScope layout; weights in safetensors (fp32, fp16, bf16, int8, or
/// several files with an index) or as a PyTorch checkpoint, in which nothing is executed.
#[derive(Args, Debug)]
pub(super) struct Convert {
    /// The folder, or the file of weights in it
    #[arg(value_name = "DIR|FILE")]
    path: PathBuf,

    /// What to call the model [default: the folder's name]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// How it pools, where its files do not say so
    #[arg(long, value_name = "cls|mean", value_parser = parse_pooling)]
    pooling: Option<Pooling>,
}

impl Convert {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let path = self
            .path
            .canonicalize()
            .with_context(|| format!("{} cannot be used", self.path.display()))?;
        let folder = if path.is_dir() {
            Folder::new(&path)
        } else {
            let parent = path.parent().context("the file is in no folder")?;
            Folder {
                weights: Some(path.clone()),
                ..Folder::new(parent)
            }
        };
        let name = self.name.unwrap_or_else(|| folder.id.clone());
        // What the folder does not say about a known model, the catalogue does.
        let known = catalogue::entry(&name)?;
        let folder = Folder {
            pooling: self.pooling.or(known.as_ref().map(|entry| entry.pooling)),
            max_tokens: known.as_ref().map(|entry| entry.max_tokens),
            ..folder
        };
        let origin = Origin {
            source: path.display().to_string(),
            revision: None,
            asked_for: None,
        };
        let manifest = Store::of_user().install(&name, folder, origin, None, Occupied::Replaced)?;
        writeln!(
            io::stdout(),
            "{} is installed: {} numbers a vector, {} MB",
            manifest.name,
            manifest.dimension,
            manifest.bytes / 1_000_000
        )?;
        Ok(())
    }
}
