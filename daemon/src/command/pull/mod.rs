//! `gted pull`: get a model from a hub and install it.

mod bars;
mod events;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use gte_daemon::store::catalogue::Hub;
use gte_daemon::store::{From, Pulled, Store, Wanted};
use gte_shared::models::PullEvent;
use gte_shared::wire::Pooling;

use super::parse_pooling;
use bars::Bars;
use events::Events;

/// Get a model from ModelScope or Hugging Face and install it
///
/// Tried in this order: the hubs' caches on this machine, ModelScope, Hugging Face. Mirrors by
/// HF_ENDPOINT and MODELSCOPE_ENDPOINT, proxies by the usual variables, tokens by HF_TOKEN and
/// MODELSCOPE_API_TOKEN. What an interrupted pull has fetched is kept, and the next one goes on with
/// it; `gted remove` clears it away.
#[derive(Args, Debug)]
pub(super) struct Pull {
    /// A name that `gted models` lists, or a repository (owner/name) of the same architecture
    #[arg(value_name = "NAME|REPO")]
    model: String,

    /// modelscope, huggingface, the address of a mirror, or a folder
    #[arg(long, value_name = "SOURCE")]
    from: Option<String>,

    /// Another revision than the newest
    #[arg(long, value_name = "R")]
    revision: Option<String>,

    /// How it pools, where its files do not say so
    #[arg(long, value_name = "cls|mean", value_parser = parse_pooling)]
    pooling: Option<Pooling>,

    /// Use what is on this machine only
    #[arg(long)]
    offline: bool,

    /// Print what happens as JSON objects, one a line
    #[arg(long)]
    json: bool,
}

impl Pull {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let wanted = Wanted {
            model: self.model,
            from: self.from.map(parse_source),
            revision: self.revision,
            pooling: self.pooling,
            offline: self.offline,
        };
        let store = Store::of_user();
        let pulled = if self.json {
            store.pull(&wanted, &mut Events::default())?
        } else {
            store.pull(&wanted, &mut Bars::default())?
        };
        let (manifest, already) = match pulled {
            Pulled::Installed(manifest) => (manifest, false),
            Pulled::Already(manifest) => (manifest, true),
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
        writeln!(out, "{name} {state}, from {source}")?;
        writeln!(out, "`gted use {name}` has it answer")?;
        Ok(())
    }
}

fn parse_source(source: String) -> From {
    match source.as_str() {
        "modelscope" => From::Hub(Hub::ModelScope),
        "huggingface" => From::Hub(Hub::HuggingFace),
        url if url.starts_with("http://") || url.starts_with("https://") => From::Mirror(source),
        _ => From::Folder(PathBuf::from(source)),
    }
}
