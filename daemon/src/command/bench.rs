//! `gted bench`: how fast a model computes on this machine.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use gte_daemon::engine::{Embed, MAX_TOKENS, Tokenize};
use gte_daemon::model::{Encoder, Folder, Model, Source};
use gte_daemon::store::Store;
use serde::Serialize;

use super::compute::Computing;
use super::random::Named;

/// Measure how fast a model computes on this machine
///
/// Times batches of fixed sizes, or with --lines the texts of a file. Only times of one run on one quiet
/// machine can be compared.
#[derive(Args, Debug)]
pub(super) struct Bench {
    /// A model of a published shape with random weights
    #[arg(long, conflicts_with = "model")]
    shape: Option<Named>,

    /// An installed model by its name, or a folder [default: the one that the daemon would use]
    #[arg(long, value_name = "NAME|DIR")]
    model: Option<String>,

    /// Compute the texts of this file, one a line, instead of batches of fixed sizes
    #[arg(long, value_name = "FILE", conflicts_with = "shape")]
    lines: Option<PathBuf>,

    #[command(flatten)]
    computing: Computing,

    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Batches that are timed: texts, and tokens of each.
const BATCHES: [(usize, usize); 6] = [(1, 16), (2, 16), (2, 32), (2, 128), (1, 512), (32, 32)];

/// Runs of each batch, the first two of which do not count.
const RUNS: usize = 11;
const UNCOUNTED: usize = 2;

/// What the batches of fixed sizes are made of. Which word does not matter.
const WORD: &str = "的";

/// One batch's times.
#[derive(Serialize)]
struct Timed {
    batch: usize,
    tokens: usize,
    min_ms: f64,
    median_ms: f64,
}

/// The time of a file's texts.
#[derive(Serialize)]
struct Throughput {
    texts: usize,
    tokens: usize,
    seconds: f64,
    texts_per_s: f64,
}

impl Bench {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let model = self.load()?;
        let mut out = io::stdout().lock();
        if let Some(path) = &self.lines {
            let text = fs::read_to_string(path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            let done = throughput(&model, &text)?;
            let Throughput {
                texts,
                tokens,
                seconds,
                texts_per_s,
            } = &done;
            if self.json {
                return print(&mut out, &done);
            }
            writeln!(out, "texts\ttokens\tseconds\ttexts/s")?;
            writeln!(out, "{texts}\t{tokens}\t{seconds:.3}\t{texts_per_s:.1}")?;
            return Ok(());
        }
        if !self.json {
            writeln!(out, "batch\ttokens\tmin ms\tmedian ms")?;
        }
        let word = model.tokenizer.tokenize(WORD)?.ids;
        for (batch, tokens) in BATCHES {
            let most = model.card.max_tokens as usize;
            let ids: Vec<u32> = word
                .iter()
                .cycle()
                .copied()
                .take(tokens.min(most))
                .collect();
            let timed = time(&model.encoder, batch, &ids)?;
            if self.json {
                print(&mut out, &timed)?;
            } else {
                let tokens = timed.tokens;
                let (min, median) = (timed.min_ms, timed.median_ms);
                writeln!(out, "{batch}\t{tokens}\t{min:.2}\t{median:.2}")?;
            }
        }
        Ok(())
    }

    fn load(&self) -> anyhow::Result<Model> {
        let compute = self.computing.resolve();
        let Some(shape) = self.shape else {
            let (model, _) = Store::of_user().load(self.model.as_deref(), compute)?;
            return Ok(model);
        };
        let folder = std::env::temp_dir().join(format!("gted-bench-{}", std::process::id()));
        let written = shape.shape().write(&folder).map_err(anyhow::Error::from);
        let loaded = written.and_then(|()| {
            let source = Source::Folder(Folder::new(&folder));
            Ok(Model::load(&source, compute)?)
        });
        // Everything that is used of it is in memory by now.
        fs::remove_dir_all(&folder).with_context(|| format!("{} stays", folder.display()))?;
        loaded
    }
}

fn print(out: &mut impl Write, line: &impl Serialize) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    Ok(writeln!(out)?)
}

fn time(encoder: &Encoder, batch: usize, ids: &[u32]) -> anyhow::Result<Timed> {
    let texts = vec![ids; batch];
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let start = Instant::now();
        encoder.embed(&texts)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.drain(..UNCOUNTED);
    times.sort_by(f64::total_cmp);
    Ok(Timed {
        batch,
        tokens: ids.len(),
        min_ms: times.first().copied().unwrap_or_default(),
        median_ms: times.get(times.len() / 2).copied().unwrap_or_default(),
    })
}

/// Computes all texts in their order, in batches as the daemon makes them. Tokenizing is not counted.
fn throughput(model: &Model, text: &str) -> anyhow::Result<Throughput> {
    let mut texts = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let tokens = model.tokenizer.tokenize(line);
        texts.push(tokens.with_context(|| format!("line {number}"))?.ids);
    }
    let ids: Vec<&[u32]> = texts.iter().map(|ids| &**ids).collect();
    let tokens = ids.iter().map(|ids| ids.len()).sum();
    let start = Instant::now();
    let mut rest = ids.as_slice();
    while !rest.is_empty() {
        let mut budget = MAX_TOKENS;
        let within = |ids: &&[u32]| {
            let enough = ids.len() <= budget;
            budget = budget.saturating_sub(ids.len());
            enough
        };
        let count = rest.iter().copied().take_while(within).count().max(1);
        let (batch, after) = rest.split_at(count);
        model.encoder.embed(batch)?;
        rest = after;
    }
    let seconds = start.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "for people to read")]
    let texts_per_s = ids.len() as f64 / seconds;
    Ok(Throughput {
        texts: ids.len(),
        tokens,
        seconds,
        texts_per_s,
    })
}
