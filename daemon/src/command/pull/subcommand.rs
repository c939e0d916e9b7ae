//! `gted pull`: get a model from a hub and install it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use gte_shared::models::PullEvent;
use gte_shared::printable::printable;
use gte_shared::wire::Pooling;

use super::bars::Bars;
use super::events::{self, Events};
use crate::command::messages::say;
use crate::command::options::parse_pooling;
use crate::store::catalog::Hub;
use crate::store::{PullOutcome, PullRequest, PullSource, Store, is_address};

/// Get a model from ModelScope or Hugging Face and install it
///
/// Order of the sources: the hubs' caches on this machine, ModelScope, Hugging Face. HF_ENDPOINT
/// and MODELSCOPE_ENDPOINT name mirrors, HF_TOKEN and MODELSCOPE_API_TOKEN hold tokens, https_proxy
/// and the like name proxies as for curl, and SSL_CERT_FILE a company's certificates. The next pull
/// resumes an interrupted one; `gted remove` deletes its files.
#[derive(Args, Debug)]
pub(in crate::command) struct Pull {
    /// Name that `gted models` lists, or a repository (owner/name) of the same architecture
    #[arg(value_name = "NAME|REPO")]
    model: String,

    /// Source: modelscope, huggingface, the address of a mirror, or a folder
    #[arg(long, value_name = "SOURCE")]
    from: Option<String>,

    /// Revision other than the newest
    #[arg(long, value_name = "R")]
    revision: Option<String>,

    /// Pooling of a model whose files do not state it
    #[arg(long, value_name = "cls|mean", value_parser = parse_pooling)]
    pooling: Option<Pooling>,

    /// Use only the files on this machine
    #[arg(long)]
    offline: bool,

    /// Print events as JSON objects, one per line
    #[arg(long)]
    json: bool,
}

impl Pull {
    pub(in crate::command) fn run(self) -> anyhow::Result<()> {
        let request = PullRequest {
            model: self.model,
            from: self.from.map(parse_source),
            revision: self.revision,
            pooling: self.pooling,
            offline: self.offline,
        };
        let store = Store::of_user();
        let outcome = if self.json {
            store.pull(&request, &mut Events::default())?
        } else {
            store.pull(&request, &mut Bars::default())?
        };
        let (manifest, already) = match outcome {
            PullOutcome::Installed(installed) => {
                installed.notes.iter().for_each(say);
                (installed.manifest, false)
            }
            PullOutcome::Already(manifest) => (manifest, true),
        };
        let (name, source) = (manifest.name, manifest.origin.source);
        if self.json {
            return events::print(&PullEvent::Installed {
                name,
                source,
                already,
            });
        }
        let state = if already {
            "was installed already"
        } else {
            "is installed"
        };
        let mut out = io::stdout().lock();
        let source = printable(&source, MAX_SOURCE_CHARS);
        writeln!(out, "{name} {state}, from {source}")?;
        writeln!(out, "`gted use {name}` selects it")?;
        Ok(())
    }
}

/// Most characters of a source: a path has at most 4,096.
const MAX_SOURCE_CHARS: usize = 4096;

/// Parses the value of `--from`.
fn parse_source(source: String) -> PullSource {
    let is_mirror = || is_address(&source) && !Path::new(&source).exists();
    match source.as_str() {
        "modelscope" => PullSource::Hub(Hub::ModelScope),
        "huggingface" => PullSource::Hub(Hub::HuggingFace),
        _ if is_mirror() => PullSource::Mirror(source),
        _ => PullSource::Folder(PathBuf::from(source)),
    }
}
