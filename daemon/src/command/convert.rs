//! `gted convert`: install a model from a folder.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use gte_shared::wire::Pooling;

use super::messages::say;
use super::options::parse_pooling;
use crate::model::Folder;
use crate::store::{IfInstalled, Installed, Origin, Store, catalog, installed_name, of_cache};

/// Install a model from a folder, or from a weights file in a folder
///
/// Takes the Hugging Face and the ModelScope layout; weights in safetensors (fp32, fp16, bf16,
/// int8, or several files with an index) or as a PyTorch checkpoint, of which nothing is executed.
#[derive(Args, Debug)]
pub(super) struct Convert {
    /// Folder of the model, or a weights file in it
    #[arg(value_name = "DIR|FILE")]
    path: PathBuf,

    /// Name of the model [default: the folder's name]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Pooling of a model whose files do not state it
    #[arg(long, value_name = "cls|mean", value_parser = parse_pooling)]
    pooling: Option<Pooling>,
}

impl Convert {
    pub(super) fn run(self) -> anyhow::Result<()> {
        // A shell does not put the home in place of a quoted tilde.
        let is_tilde = self.path.starts_with("~");
        let hint = if is_tilde { "; write $HOME for ~" } else { "" };
        let unusable = || format!("{} cannot be used{hint}", self.path.display());
        let path = self.path.canonicalize().with_context(unusable)?;
        // A file in a hub's cache is a link to one without a name.
        let path = match (path.is_file(), self.path.parent(), self.path.file_name()) {
            (true, Some(parent), Some(file)) => {
                let parent = if parent.as_os_str().is_empty() {
                    Path::new(".")
                } else {
                    parent
                };
                parent.canonicalize().with_context(unusable)?.join(file)
            }
            _ => path,
        };
        let folder = if let Some((folder, repository)) = of_cache(&path) {
            Folder {
                id: installed_name(&repository)?,
                ..Folder::new(&folder)
            }
        } else if path.is_dir() {
            Folder::new(&path)
        } else {
            let parent = path.parent().context("the file is not in a folder")?;
            Folder {
                weights: Some(path.clone()),
                ..Folder::new(parent)
            }
        };
        let name = self.name.unwrap_or_else(|| folder.id.clone());
        // The catalog states the properties of a known model that the folder does not state.
        let known = catalog::entry(&name)?;
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
        let Installed { manifest, notes } =
            Store::of_user().install(&name, folder, origin, None, IfInstalled::Replace)?;
        notes.iter().for_each(say);
        writeln!(
            io::stdout(),
            "{} is installed: {} values per vector, {} MB",
            manifest.name,
            manifest.dimension,
            manifest.bytes / 1_000_000
        )?;
        Ok(())
    }
}
