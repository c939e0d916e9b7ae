//! `gte embed`: print the vectors of lines.

use std::io::{self, BufWriter, Write};

use clap::Args;
use gte_shared::output::json_line;
use gte_shared::wire::json::{VectorRow, VectorSpace};
use gte_shared::wire::{Computed, Embedding, TextRules};
use serde::Serialize;

use super::global::Global;
use super::input::{Column, Further, Input, Parsed, Row, Wanted};
use super::output::{NullRow, warn};
use super::pipeline::{self, Command, with_results};
use super::text_options::TextArguments;

/// Print the embedding vector of each line
///
/// Prints one line per input line, in the same order: the values of the vector, separated by tabs.
/// Vectors have unit length, so that their dot product is the cosine. Reads lines, tabs, CSV and
/// JSON lines.
#[derive(Args, Debug)]
pub(super) struct Embed {
    #[command(flatten)]
    input: Input,

    /// Column or field of the text: a name, or the number of a column from 1
    #[arg(long, value_name = "NAME")]
    field: Option<Column>,

    #[command(flatten)]
    texts: TextArguments,
}

impl Embed {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let input = self.input.read(Wanted {
            columns: self.field.map(|field| [field]),
            further: global.json,
            // A line of output for each line of input.
            passes_blank: false,
        })?;
        pipeline::run(global.client()?, input, &mut Printer(global, self.texts)).await
    }
}

/// Prints vectors as they come.
struct Printer<'a>(&'a Global, TextArguments);

/// A row of `--json`.
#[derive(Serialize)]
struct JsonRow<'a> {
    line: u64,
    #[serde(flatten)]
    vector: VectorRow<'a>,
    model: &'a str,
    #[serde(flatten)]
    rules: TextRules,
    #[serde(flatten)]
    space: VectorSpace,
    #[serde(skip_serializing_if = "Further::is_empty")]
    fields: &'a Further,
}

impl Command<1> for Printer<'_> {
    type Result = Vec<Embedding>;
    type Request = gte_shared::wire::Embed;

    const TEXTS_BEFORE: usize = 0;

    fn request(&self, texts: Vec<[String; 1]>) -> gte_shared::wire::Embed {
        gte_shared::wire::Embed {
            texts: texts.into_iter().flatten().collect(),
            options: self.1.options(),
        }
    }

    fn answer(
        &mut self,
        rows: Vec<Parsed<1>>,
        computed: Option<Computed<Vec<Embedding>>>,
    ) -> anyhow::Result<()> {
        let mut out = BufWriter::new(io::stdout().lock());
        for row in with_results(&rows, computed.as_ref()) {
            match row {
                Err(faulty) if self.0.json => json_line(&mut out, &NullRow::new(faulty))?,
                Err(_) => writeln!(out, "null")?,
                Ok((row, vector, computed)) => self.row(&mut out, row, vector, computed)?,
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
        row: &Row<1>,
        embedding: &Embedding,
        computed: &Computed<Vec<Embedding>>,
    ) -> anyhow::Result<()> {
        if self.0.json {
            let row = JsonRow {
                line: row.number,
                vector: VectorRow::from(embedding),
                model: &computed.model.id,
                rules: computed.model.rules,
                space: VectorSpace::of(computed),
                fields: &row.further,
            };
            json_line(out, &row)?;
        } else {
            let mut separator = "";
            for value in &embedding.vector {
                write!(out, "{separator}{value}")?;
                separator = "\t";
            }
            writeln!(out)?;
        }
        warn(self.0, &format!("line {}", row.number), &embedding.text);
        Ok(())
    }
}
