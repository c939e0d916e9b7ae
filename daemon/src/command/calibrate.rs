//! `gted calibrate`: fit a model's scores to labelled pairs.

use std::fmt::Write as _;
use std::io::{self, Write};

use clap::Args;
use gte_shared::output::json_line;
use gte_shared::score::CalibrationState;
use serde::Serialize;

use super::messages::say;
use super::pair_options::PairOptions;
use crate::eval::{Reliability, fit};
use crate::store::{Store, StoredCalibration};

/// Columns of a share of 1 in the reliability chart.
const BAR: f64 = 40.0;

/// Fit the scores of a model to pairs that people have labelled
///
/// Ratings give scores that read as ratings; labels 0 and 1 give probabilities. The fit is tested
/// on halves of the pairs that it was not made from, and kept for the model, its precision and the
/// text steps. A running daemon takes it with `gte restart` or `gted use`.
#[derive(Args, Debug)]
pub(super) struct Calibrate {
    #[command(flatten)]
    options: PairOptions,

    /// Model: the name of an installed one [default: the one that the daemon would use]
    #[arg(long, value_name = "NAME")]
    model: Option<String>,

    /// Test the fit, and keep nothing
    #[arg(long)]
    dry_run: bool,

    /// Print the fit and its test as one JSON object
    #[arg(long)]
    json: bool,
}

/// A fit and its test as JSON.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    fit: &'a StoredCalibration,
    pairs: usize,
    #[serde(flatten)]
    test: &'a Reliability,
}

impl Calibrate {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        if let Some(name) = &self.model {
            // A fit is kept by the name of its model, which a folder does not own.
            Store::of_user().available(name)?;
        }
        let pairs = self.options.pairs()?;
        let (info, scored) = self.options.score(self.model.as_deref(), &pairs)?;
        let cosines: Vec<f64> = scored.iter().map(|scored| scored.cosine).collect();
        let labels: Vec<f64> = pairs.pairs.iter().map(|pair| pair.label).collect();
        let map = fit(&cosines, &labels, pairs.labels)?;
        let test = Reliability::of(&cosines, &labels, pairs.labels)?;
        let file = self.options.file.file_name().unwrap_or_default();
        let fitted = StoredCalibration {
            model: info.id.clone(),
            builtin: Some(info.builtin),
            pooling: Some(info.pooling),
            precision: Some(info.precision),
            text_steps: Some(info.rules.text_steps),
            max_tokens: Some(info.max_tokens),
            state: CalibrationState::Fitted,
            origin: format!("{} pairs of {}", labels.len(), file.to_string_lossy()),
            map,
        };
        let mut out = io::stdout();
        if self.json {
            let (fit, pairs) = (&fitted, labels.len());
            json_line(
                &mut out,
                &Row {
                    fit,
                    pairs,
                    test: &test,
                },
            )?;
        } else {
            out.write_all(report(labels.len(), &test).as_bytes())?;
        }
        if !self.dry_run {
            let path = Store::of_user().keep_calibration(fitted)?;
            say(format_args!(
                "kept in {}; a running daemon takes it with `gte restart`",
                path.display()
            ));
        }
        Ok(())
    }
}

fn report(pairs: usize, test: &Reliability) -> String {
    // Writing to a String does not fail.
    let mut lines = format!("pairs\t{pairs}\n");
    match test {
        Reliability::Rating {
            distance,
            high,
            low,
        } => {
            let _ = writeln!(lines, "meaning\trating");
            let _ = writeln!(lines, "mean_distance\t{distance:.3} of the range");
            let _ = writeln!(lines, "highest_rating\t{:.1} % 高度相似", 100.0 * high);
            let _ = writeln!(lines, "lowest_fifth\t{:.1} % 差异较大", 100.0 * low);
        }
        Reliability::Probability {
            calibration_error,
            accuracy,
            interval: (from, to),
            chart,
        } => {
            let _ = writeln!(lines, "meaning\tprobability");
            let _ = writeln!(lines, "calibration_error\t{calibration_error:.4}");
            let [accuracy, from, to] = [accuracy, from, to].map(|share| 100.0 * share);
            let _ = writeln!(lines, "accuracy\t{accuracy:.2} ({from:.2} to {to:.2})");
            lines +=
                "\nprobability and share of label 1, in ten parts of the pairs (on all of them)\n";
            for (expected, seen) in chart {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "between 0 and 40"
                )]
                let bar = "#".repeat((seen * BAR).round() as usize);
                let _ = writeln!(lines, "{expected:.3}  {seen:.3}  {bar}");
            }
        }
    }
    lines
}
