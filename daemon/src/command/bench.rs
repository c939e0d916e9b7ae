//! `gted bench`: measure the speed of a model on this machine.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use gte_shared::output::json_line;

use super::compute_options::ComputeOptions;
use super::random_model::NamedShape;
use crate::bench::{
    BatchTime, MachinePeak, Phase, Throughput, time_batches, time_cold_start, time_lines,
};
use crate::model::{Folder, Model, Source};
use crate::store::Store;

/// Measure the speed of a model on this machine
///
/// Times batches of fixed sizes, with --lines the texts of a file, or with --cold the way from
/// nothing to the first answer. Only times of one run on one quiet machine can be compared.
#[derive(Args, Debug)]
pub(super) struct Bench {
    /// Shape of a published model, computed with random weights
    #[arg(long, conflicts_with = "model")]
    shape: Option<NamedShape>,

    /// Model: the name of an installed one, or a folder [default: the one that the daemon would
    /// use]
    #[arg(long, value_name = "NAME|DIR")]
    model: Option<String>,

    /// Compute the texts of this file, one per line, instead of batches of fixed sizes
    #[arg(long, value_name = "FILE", conflicts_with = "shape")]
    lines: Option<PathBuf>,

    /// Time the start of the program, the loading of the model and the first answer
    #[arg(long, conflicts_with = "lines")]
    cold: bool,

    #[command(flatten)]
    compute: ComputeOptions,

    /// Print JSON objects, one per line
    #[arg(long)]
    json: bool,
}

impl Bench {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        if self.cold {
            return self.print_phases(&time_cold_start(|| self.load())?);
        }
        let model = self.load()?;
        if let Some(path) = &self.lines {
            let text = fs::read_to_string(path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            return self.print_lines(&model, &lines(&model, &text)?);
        }
        let times = time_batches(&model)?;
        let peak = MachinePeak::measure(&model, times.iter().map(|time| time.rate));
        self.print_batches(&peak, &times)
    }

    fn print_lines(&self, model: &Model, done: &Throughput) -> anyhow::Result<()> {
        let peak = MachinePeak::measure(model, [done.rate].into_iter());
        let mut out = io::stdout().lock();
        if self.json {
            json_line(&mut out, &peak)?;
            return Ok(json_line(&mut out, done)?);
        }
        let Throughput {
            texts,
            tokens,
            seconds,
            texts_per_s,
            ..
        } = done;
        writeln!(
            out,
            "{}\ntexts\ttokens\tseconds\ttexts/s",
            first_line(&peak)
        )?;
        writeln!(out, "{texts}\t{tokens}\t{seconds:.3}\t{texts_per_s:.1}")?;
        Ok(())
    }

    fn print_batches(&self, peak: &MachinePeak, times: &[BatchTime]) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            json_line(&mut out, peak)?;
            for time in times {
                json_line(&mut out, time)?;
            }
            return Ok(());
        }
        writeln!(
            out,
            "{}\nbatch\ttokens\tmin ms\tmedian ms",
            first_line(peak)
        )?;
        for time in times {
            let BatchTime {
                batch,
                tokens,
                min_ms,
                median_ms,
                ..
            } = time;
            writeln!(out, "{batch}\t{tokens}\t{min_ms:.2}\t{median_ms:.2}")?;
        }
        Ok(())
    }

    fn print_phases(&self, phases: &[Phase]) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            return Ok(phases
                .iter()
                .try_for_each(|phase| json_line(&mut out, phase))?);
        }
        writeln!(out, "phase\twall ms\tCPU ms")?;
        for Phase {
            phase,
            wall_ms,
            cpu_ms,
        } in phases
        {
            writeln!(out, "{phase}\t{wall_ms:.1}\t{cpu_ms:.1}")?;
        }
        Ok(())
    }

    fn load(&self) -> anyhow::Result<Model> {
        let compute = self.compute.resolve();
        let Some(shape) = self.shape else {
            return Ok(Store::of_user().load(self.model.as_deref(), compute)?);
        };
        let folder = std::env::temp_dir().join(format!("gted-bench-{}", std::process::id()));
        let written = shape.shape().write(&folder).map_err(anyhow::Error::from);
        let loaded = written.and_then(|()| {
            let source = Source::Folder(Folder::new(&folder));
            Ok(Model::load(&source, compute)?)
        });
        // The model is in memory by now.
        fs::remove_dir_all(&folder)
            .with_context(|| format!("{} cannot be removed", folder.display()))?;
        loaded
    }
}

/// Tokenizes and times the lines of a text.
fn lines(model: &Model, text: &str) -> anyhow::Result<Throughput> {
    let mut texts = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let ids = model.tokenizer.ids(line);
        texts.push(ids.with_context(|| format!("line {number}"))?);
    }
    let ids: Vec<&[u32]> = texts.iter().map(|ids| &**ids).collect();
    Ok(time_lines(model, &ids)?)
}

/// First line of the tables: the machine and its peak rates.
fn first_line(peak: &MachinePeak) -> String {
    format!(
        "{}, threads: {}; at most {:.0} Gop/s in f32, {:.0} in int8, {:.0} GB/s from memory; \
         reached in {}: {:.0} %",
        peak.cpu,
        peak.threads,
        peak.f32_gops,
        peak.int8_gops,
        peak.memory_gb_per_s,
        peak.precision.name(),
        peak.share * 100.0
    )
}
