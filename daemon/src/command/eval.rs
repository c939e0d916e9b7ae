//! `gted eval`: hold a model against labelled pairs.

use std::fmt::Write as _;
use std::io::{self, Write};

use clap::Args;
use gte_shared::output::json_line;
use gte_shared::wire::{ModelInfo, TextSteps, Truncation};
use serde::Serialize;

use super::pair_options::PairOptions;
use crate::eval::{BINS, Best, Evaluation, Pairs};

/// Columns of the longest bar of the histogram.
const BAR: usize = 30;

/// Hold a model against pairs that people have labelled
///
/// Prints the correlations of cosines and labels; for labels 0 and 1 also the area under the ROC
/// curve, average precision, and the best F1 and accuracy with their thresholds.
#[derive(Args, Debug)]
pub(super) struct Eval {
    #[command(flatten)]
    options: PairOptions,

    /// Model: the name of an installed one, or a folder [default: the one that the daemon would
    /// use]
    #[arg(long, value_name = "NAME|DIR", conflicts_with = "models")]
    model: Option<String>,

    /// Several models, for one table
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    models: Vec<String>,

    /// Print JSON objects, one per model
    #[arg(long)]
    json: bool,
}

/// The figures of a model as JSON.
#[derive(Serialize)]
struct Row<'a> {
    model: &'a str,
    precision: &'a str,
    text_steps: TextSteps,
    truncation: Truncation,
    pairs: usize,
    spearman: f64,
    pearson: f64,
    #[serde(flatten)]
    classification: Option<ClassificationRow>,
    truncated: usize,
    with_unknown: usize,
    same_tokens: usize,
    histogram: [[usize; 2]; BINS],
}

/// Figures for labels 0 and 1 as JSON.
#[derive(Serialize)]
struct ClassificationRow {
    roc_auc: f64,
    average_precision: f64,
    best_f1: f64,
    best_f1_threshold: f64,
    best_accuracy: f64,
    best_accuracy_threshold: f64,
}

impl Eval {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let pairs = self.options.pairs()?;
        let mut models: Vec<Option<&str>> = self.models.iter().map(|name| Some(&**name)).collect();
        if models.is_empty() {
            models.push(self.model.as_deref());
        }
        let mut out = io::stdout();
        for (number, model) in models.iter().enumerate() {
            let (info, scored) = self.options.score(*model, &pairs)?;
            let of = Evaluation::of(&pairs, &scored);
            if self.json {
                json_line(&mut out, &row(&info, &of))?;
            } else if self.models.is_empty() {
                out.write_all(report(&info, &of, &pairs).as_bytes())?;
            } else {
                if number == 0 {
                    writeln!(out, "{}", table_head(&of))?;
                }
                writeln!(out, "{}", table_row(&info, &of))?;
            }
        }
        Ok(())
    }
}

fn row<'a>(info: &'a ModelInfo, of: &Evaluation) -> Row<'a> {
    Row {
        model: &info.id,
        precision: info.precision.name(),
        text_steps: info.rules.text_steps,
        truncation: info.rules.truncation,
        pairs: of.pairs,
        spearman: of.spearman,
        pearson: of.pearson,
        classification: of.classification.map(|of| ClassificationRow {
            roc_auc: of.roc_auc,
            average_precision: of.average_precision,
            best_f1: of.f1.value,
            best_f1_threshold: of.f1.threshold,
            best_accuracy: of.accuracy.value,
            best_accuracy_threshold: of.accuracy.threshold,
        }),
        truncated: of.truncated,
        with_unknown: of.with_unknown,
        same_tokens: of.same_tokens,
        histogram: of.histogram,
    }
}

/// Figures as names and values, times 100 where they are between -1 and 1.
fn figures(of: &Evaluation) -> Vec<(&'static str, String)> {
    let hundredfold = |value: f64| format!("{:.2}", 100.0 * value);
    let mut figures = vec![
        ("pairs", of.pairs.to_string()),
        ("spearman", hundredfold(of.spearman)),
        ("pearson", hundredfold(of.pearson)),
    ];
    if let Some(of) = &of.classification {
        let threshold = |Best { threshold, .. }: Best| format!("{threshold:.4}");
        figures.extend([
            ("roc_auc", hundredfold(of.roc_auc)),
            ("average_precision", hundredfold(of.average_precision)),
            ("best_f1", hundredfold(of.f1.value)),
            ("best_f1_threshold", threshold(of.f1)),
            ("best_accuracy", hundredfold(of.accuracy.value)),
            ("best_accuracy_threshold", threshold(of.accuracy)),
        ]);
    }
    figures.extend([
        ("truncated", of.truncated.to_string()),
        ("with_unknown", of.with_unknown.to_string()),
        ("same_tokens", of.same_tokens.to_string()),
    ]);
    figures
}

fn model_columns(info: &ModelInfo) -> [(&'static str, String); 4] {
    [
        ("model", info.id.clone()),
        ("precision", info.precision.name().to_owned()),
        ("text_steps", info.rules.text_steps.to_string()),
        ("truncation", info.rules.truncation.name().to_owned()),
    ]
}

fn table_head(of: &Evaluation) -> String {
    let names = ["model", "precision", "text_steps", "truncation"].into_iter();
    let names: Vec<_> = names
        .chain(figures(of).iter().map(|(name, _)| *name))
        .collect();
    names.join("\t")
}

fn table_row(info: &ModelInfo, of: &Evaluation) -> String {
    let columns = model_columns(info).into_iter().chain(figures(of));
    let columns: Vec<_> = columns.map(|(_, value)| value).collect();
    columns.join("\t")
}

/// All figures of one model, the histogram, and the pairs that it gets most wrong.
fn report(info: &ModelInfo, of: &Evaluation, pairs: &Pairs) -> String {
    // Writing to a String does not fail.
    let mut text = String::new();
    for (name, value) in model_columns(info).into_iter().chain(figures(of)) {
        let _ = writeln!(text, "{name}\t{value}");
    }
    text += "\ncosine  pairs of low labels (-) and of high ones (#)\n";
    let most = of
        .histogram
        .iter()
        .flatten()
        .copied()
        .max()
        .unwrap_or(0)
        .max(1);
    for (bin, [low, high]) in of.histogram.iter().enumerate() {
        let bar = |count: usize, sign: &str| sign.repeat((count * BAR).div_ceil(most));
        let from = format!("{}.{:02}", 5 * bin / 100, 5 * bin % 100);
        let _ = writeln!(
            text,
            "{from}  {low:>6} {:<BAR$} {high:>6} {}",
            bar(*low, "-"),
            bar(*high, "#")
        );
    }
    text += "\nline\tlabel\tcosine\ta\tb: the pairs it gets most wrong\n";
    for worst in &of.worst {
        let pair = &pairs.pairs[worst.pair];
        let (line, label, a, b) = (pair.line, pair.label, &pair.a, &pair.b);
        let _ = writeln!(text, "{line}\t{label}\t{:.4}\t{a}\t{b}", worst.cosine);
    }
    text
}
