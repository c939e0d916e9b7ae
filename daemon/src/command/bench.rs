//! `gted bench`: how fast a model computes on this machine.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context;
use clap::Args;
use gte_daemon::engine::{Embed, MAX_TOKENS, Tokenize};
use gte_daemon::model::{Encoder, Folder, Model, Source};
use gte_daemon::store::Store;
use gte_shared::wire::Precision;
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

/// What the machine can do at most, and how much of it was reached: the first line.
#[derive(Serialize)]
struct Machine {
    cpu: String,
    threads: usize,
    precision: Precision,
    f32_gops: f64,
    int8_gops: f64,
    memory_gb_per_s: f64,
    /// Of what it can do in the precision, at the best of what was timed.
    share: f64,
}

impl Machine {
    /// `rates` are the operations a second that were reached.
    fn new(model: &Model, rates: impl Iterator<Item = f64>) -> Self {
        let peak = model.encoder.peak();
        let precision = model.card.precision;
        let most = match precision {
            Precision::F32 => peak.f32,
            Precision::Int8 => peak.int8,
        };
        Self {
            cpu: peak.cpu,
            threads: model.encoder.threads(),
            precision,
            f32_gops: peak.f32 / 1e9,
            int8_gops: peak.int8 / 1e9,
            memory_gb_per_s: peak.memory / 1e9,
            share: rates.fold(0.0, f64::max) / most,
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let precision = match self.precision {
            Precision::F32 => "f32",
            Precision::Int8 => "int8",
        };
        write!(
            f,
            "{}, threads: {}; at most {:.0} Gop/s in f32, {:.0} in int8, {:.0} GB/s from memory; \
             reached in {precision}: {:.0} %",
            self.cpu,
            self.threads,
            self.f32_gops,
            self.int8_gops,
            self.memory_gb_per_s,
            self.share * 100.0
        )
    }
}

impl Bench {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let model = self.load()?;
        let mut out = io::stdout().lock();
        if let Some(path) = &self.lines {
            let text = fs::read_to_string(path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            let (done, rate) = throughput(&model, &text)?;
            let machine = Machine::new(&model, [rate].into_iter());
            if self.json {
                print(&mut out, &machine)?;
                return print(&mut out, &done);
            }
            let Throughput {
                texts,
                tokens,
                seconds,
                texts_per_s,
            } = done;
            writeln!(out, "{machine}\ntexts\ttokens\tseconds\ttexts/s")?;
            writeln!(out, "{texts}\t{tokens}\t{seconds:.3}\t{texts_per_s:.1}")?;
            return Ok(());
        }
        let word = model.tokenizer.tokenize(WORD)?.ids;
        let mut rows = Vec::with_capacity(BATCHES.len());
        for (batch, tokens) in BATCHES {
            let most = model.card.max_tokens as usize;
            let ids: Vec<u32> = word
                .iter()
                .cycle()
                .copied()
                .take(tokens.min(most))
                .collect();
            rows.push(time(&model.encoder, batch, &ids)?);
        }
        let machine = Machine::new(&model, rows.iter().map(|(_, rate)| *rate));
        if self.json {
            print(&mut out, &machine)?;
            return rows
                .iter()
                .try_for_each(|(timed, _)| print(&mut out, timed));
        }
        writeln!(out, "{machine}\nbatch\ttokens\tmin ms\tmedian ms")?;
        for (timed, _) in rows {
            let Timed {
                batch,
                tokens,
                min_ms,
                median_ms,
            } = timed;
            writeln!(out, "{batch}\t{tokens}\t{min_ms:.2}\t{median_ms:.2}")?;
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

/// The batch's times, and the operations a second at the best of them.
fn time(encoder: &Encoder, batch: usize, ids: &[u32]) -> anyhow::Result<(Timed, f64)> {
    let texts = vec![ids; batch];
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let start = Instant::now();
        encoder.embed(&texts)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.drain(..UNCOUNTED);
    times.sort_by(f64::total_cmp);
    let min_ms = times.first().copied().unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "for people to read")]
    let rate = encoder.operations(&texts) as f64 / (min_ms / 1e3);
    let row = Timed {
        batch,
        tokens: ids.len(),
        min_ms,
        median_ms: times.get(times.len() / 2).copied().unwrap_or_default(),
    };
    Ok((row, rate))
}

/// Computes all texts in their order, in batches as the daemon makes them. Tokenizing is not counted. Gives the
/// operations a second as well.
fn throughput(model: &Model, text: &str) -> anyhow::Result<(Throughput, f64)> {
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
    let per_second = |count: usize| count as f64 / seconds;
    let done = Throughput {
        texts: ids.len(),
        tokens,
        seconds,
        texts_per_s: per_second(ids.len()),
    };
    Ok((done, per_second(model.encoder.operations(&ids))))
}
