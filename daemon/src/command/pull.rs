//! `gted pull`: get a model from a hub and install it.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::Args;
use gte_daemon::store::catalogue::Hub;
use gte_daemon::store::{From, Progress, Pulled, Store, StoreError, Wanted};
use indicatif::{ProgressBar, ProgressStyle};

/// Get a model from ModelScope or Hugging Face and install it
///
/// Tried in this order: the hubs' caches on this machine, ModelScope, Hugging Face. Mirrors by
/// HF_ENDPOINT and MODELSCOPE_ENDPOINT, proxies by the usual variables. What an interrupted pull has
/// fetched is kept, and the next one goes on with it.
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

    /// Use what is on this machine only
    #[arg(long)]
    offline: bool,
}

impl Pull {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let wanted = Wanted {
            model: self.model,
            from: self.from.map(parse_source),
            revision: self.revision,
            offline: self.offline,
        };
        let mut bars = Bars::default();
        // A closed stderr must not keep the pull from going on.
        let mut failed = |source: &str, error: &StoreError| {
            drop(writeln!(io::stderr(), "gted: not from {source}: {error}"));
        };
        let pulled = Store::of_user().pull(&wanted, &mut bars, &mut failed)?;
        let (manifest, state) = match pulled {
            Pulled::Installed(manifest) => (manifest, "is installed"),
            Pulled::Already(manifest) => (manifest, "was installed already"),
        };
        let (name, source) = (manifest.name, manifest.origin.source);
        writeln!(io::stdout(), "{name} {state}, from {source}")?;
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

/// A bar with rate and remaining time on a terminal, a plain line a file otherwise.
#[derive(Default)]
struct Bars {
    bar: Option<ProgressBar>,
}

impl Progress for Bars {
    fn begin(&mut self, file: &str, size: Option<u64>, have: u64) {
        if !io::stderr().is_terminal() {
            let size =
                size.map_or_else(|| "unknown size".to_owned(), |size| format!("{size} bytes"));
            let rest = if have > 0 {
                format!(", {have} there already")
            } else {
                String::new()
            };
            drop(writeln!(io::stderr(), "gted: {file}: {size}{rest}"));
            return;
        }
        let template = "{msg}  {bytes}/{total_bytes}  {bytes_per_sec}  {eta}  [{bar:30}]";
        let style = ProgressStyle::with_template(template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = size.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let bar = bar
            .with_style(style.progress_chars("=> "))
            .with_message(file.to_owned());
        bar.set_position(have);
        bar.reset_eta();
        self.bar = Some(bar);
    }

    fn advance(&mut self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish();
        }
    }
}
