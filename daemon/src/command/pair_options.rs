//! Options of the commands that read labelled pairs.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::Args;
use gte_shared::settings::{Settings, keys};
use gte_shared::wire::{ModelInfo, TextOptions, TextSteps, Truncation};
use indicatif::{ProgressBar, ProgressStyle};

use super::compute_options::ComputeOptions;
use crate::eval::{EvalError, Pairs, Scored, score_pairs};
use crate::store::Store;

/// Options of the commands that read labelled pairs.
#[derive(Args, Debug)]
pub(super) struct PairOptions {
    /// File with a line a<TAB>b<TAB>label for each pair; labels are 0 and 1, or ratings
    #[arg(value_name = "PAIRS")]
    pub(super) file: PathBuf,

    /// Steps before a text is tokenized: none, or nfkc, punctuation and lowercase with commas
    /// [default: as the daemon is set]
    #[arg(long, value_name = "STEPS")]
    text_steps: Option<TextSteps>,

    /// Treatment of a text of more tokens than the model reads: its head or tail is read, it is
    /// an error, or it is read in chunks [default: as the daemon is set]
    #[arg(long, value_name = "head|tail|error|chunk")]
    truncation: Option<Truncation>,

    #[command(flatten)]
    compute: ComputeOptions,
}

impl PairOptions {
    /// Reads the pairs.
    pub(super) fn pairs(&self) -> Result<Pairs, EvalError> {
        Pairs::read(&self.file)
    }

    /// Scores the pairs with a model: that of a name or folder, else the one that the daemon would
    /// use. What the options leave out is as the daemon is set. Shows its progress on a terminal.
    pub(super) fn score(
        &self,
        name: Option<&str>,
        pairs: &Pairs,
    ) -> anyhow::Result<(ModelInfo, Vec<Scored>)> {
        let settings = Settings::load()?;
        let name: Option<String> = settings.get(&keys::MODEL, name)?;
        let compute = ComputeOptions {
            threads: self.compute.threads.or(settings.get(&keys::THREADS, None)?),
            precision: self
                .compute
                .precision
                .or(settings.get(&keys::PRECISION, None)?),
        };
        let model = Store::of_user().load(name.as_deref(), compute.resolve())?;
        let mut info = model.info.clone();
        let options = TextOptions {
            text_steps: self.text_steps.or(settings.get(&keys::TEXT_STEPS, None)?),
            truncation: self.truncation.or(settings.get(&keys::TRUNCATION, None)?),
            ..TextOptions::default()
        };
        info.rules = options.rules(info.rules);
        let bar = progress(&info.id);
        let scored = score_pairs(&model, info.rules, &pairs.pairs, |done, all| {
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        });
        bar.finish_and_clear();
        Ok((info, scored?))
    }
}

fn progress(model: &str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg}  {pos}/{len} texts  {eta}  [{bar:30}]");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0)
        .with_style(style.progress_chars("=> "))
        .with_message(model.to_owned())
}
