//! `gte batch`: score many pairs.

use std::io::{self, BufWriter, Write};

use clap::Args;
use gte_shared::output::json_line;
use gte_shared::wire::json::{PairRow, Source};
use gte_shared::wire::{Computed, PairScore, Similarities, TextOptions};
use serde::Serialize;

use super::global::Global;
use super::input::{Columns, Faulty, Further, Input, Parsed, Row, Wanted};
use super::output::{NullRow, WithSource, note_scale, score_columns, warn, warn_if_same};
use super::pipeline::{self, Command, with_results};
use super::text_options::TextArguments;

/// Score many pairs, one per line: a<TAB>b
///
/// Reads tabs, CSV and JSON lines. Prints a line for each pair, in the same order: similarity,
/// cosine, verdict, the two texts and the further columns, separated by tabs.
#[derive(Args, Debug)]
pub(super) struct Batch {
    #[command(flatten)]
    input: Input,

    /// Columns of the two texts: names of a header or of JSON fields, or numbers of columns from 1
    #[arg(long, value_name = "A,B")]
    columns: Option<Columns<2>>,

    #[command(flatten)]
    texts: TextArguments,
}

impl Batch {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let input = self.input.read(Wanted {
            columns: self.columns.map(|Columns(columns)| columns),
            further: true,
            passes_blank: true,
        })?;
        let mut printer = Printer {
            global,
            options: self.texts.options(),
            noted: false,
        };
        pipeline::run(global.client()?, input, &mut printer).await
    }
}

/// Prints the scores of pairs as they come.
struct Printer<'a> {
    global: &'a Global,
    options: TextOptions,
    /// True once the scale of the scores has been told.
    noted: bool,
}

/// A row of `--json`.
#[derive(Serialize)]
struct JsonRow<'a> {
    line: u64,
    #[serde(flatten)]
    pair: PairRow<'a>,
    #[serde(skip_serializing_if = "Further::is_empty")]
    fields: &'a Further,
}

impl Command<2> for Printer<'_> {
    type Result = Vec<PairScore>;
    type Request = Similarities;

    const TEXTS_BEFORE: usize = 0;

    fn request(&self, texts: Vec<[String; 2]>) -> Similarities {
        Similarities {
            pairs: texts.into_iter().map(|[a, b]| (a, b)).collect(),
            options: self.options.clone(),
        }
    }

    fn answer(
        &mut self,
        rows: Vec<Parsed<2>>,
        computed: Option<Computed<Vec<PairScore>>>,
    ) -> anyhow::Result<()> {
        if let Some(computed) = computed.as_ref().filter(|_| !self.noted) {
            self.noted = true;
            note_scale(self.global, &computed.model, &self.options);
        }
        let mut out = BufWriter::new(io::stdout().lock());
        for row in with_results(&rows, computed.as_ref()) {
            match row {
                Err(faulty) => self.null(&mut out, faulty)?,
                Ok((row, score, computed)) => {
                    self.row(&mut out, row, score, Source::of(computed))?;
                }
            }
        }
        out.flush()?;
        Ok(())
    }
}

impl Printer<'_> {
    fn row(
        &self,
        out: &mut impl Write,
        row: &Row<2>,
        score: &PairScore,
        source: Source<'_>,
    ) -> anyhow::Result<()> {
        let global = self.global;
        if global.json {
            let row = JsonRow {
                line: row.number,
                pair: PairRow::new(score, global.interpretation(score.verdict)),
                fields: &row.further,
            };
            json_line(out, &WithSource { row, source })?;
        } else {
            write!(out, "{}", score_columns(global, score))?;
            for column in row.columns() {
                write!(out, "\t{column}")?;
            }
            writeln!(out)?;
        }
        let number = row.number;
        warn(global, &format!("line {number}, text A"), &score.a);
        warn(global, &format!("line {number}, text B"), &score.b);
        warn_if_same(global, &format!("line {number}"), score.same_tokens);
        Ok(())
    }

    /// Prints the row of a line without a result.
    fn null(&self, out: &mut impl Write, faulty: &Faulty) -> anyhow::Result<()> {
        if self.global.json {
            json_line(out, &NullRow::new(faulty))?;
        } else {
            writeln!(out, "null\tnull\tnull\t\t")?;
        }
        Ok(())
    }
}
