//! `gte rank QUERY`: rank lines by their similarity to a text.

use std::io::{self, Write};

use clap::Args;
use gte_shared::output::json_line;
use gte_shared::score::Scale;
use gte_shared::wire::json::{HitRow, TextRow};
use gte_shared::wire::{Computed, Hit, ModelInfo, TextInfo, TextOptions, TextRules};
use serde::Serialize;

use super::error::InputError;
use super::global::Global;
use super::input::{Column, Faulty, Further, Input, Parsed, Row, Wanted};
use super::output::{NullRow, note_scale, warn, warn_if_same};
use super::pipeline::{self, Command};
use super::text_options::TextArguments;

/// Rank lines by their similarity to a text, best first
///
/// Reads lines, tabs, CSV and JSON lines. Prints similarity, cosine, verdict, line number, text and
/// the further columns, separated by tabs.
#[derive(Args, Debug)]
pub(super) struct Rank {
    /// Text that the lines are compared with
    #[arg(allow_hyphen_values = true)]
    query: String,
    #[command(flatten)]
    input: Input,

    /// Column or field of the text: a name, or the number of a column from 1
    #[arg(long, value_name = "NAME")]
    field: Option<Column>,

    #[command(flatten)]
    texts: TextArguments,
}

/// One line and its score.
struct Ranked {
    row: Row<1>,
    hit: Hit,
}

/// A row of `--json`.
#[derive(Serialize)]
struct JsonRow<'a> {
    line: u64,
    #[serde(flatten)]
    hit: HitRow<'a>,
    text: &'a str,
    #[serde(skip_serializing_if = "Further::is_empty")]
    fields: &'a Further,
    query: Option<TextRow<'a>>,
    model: &'a str,
    #[serde(flatten)]
    rules: TextRules,
    #[serde(flatten)]
    scale: Scale,
}

/// All lines with their scores.
struct Ranking {
    query: String,
    options: TextOptions,
    model: Option<ModelInfo>,
    query_info: Option<TextInfo>,
    ranked: Vec<Ranked>,
    /// Lines that have a row without a result.
    faulty: Vec<Faulty>,
}

impl Rank {
    /// Ranks all lines. If one is faulty, ranks those before it.
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let input = self.input.read(Wanted {
            columns: self.field.map(|field| [field]),
            further: true,
            passes_blank: true,
        })?;
        let mut ranking = Ranking {
            query: self.query,
            options: self.texts.options(),
            model: None,
            query_info: None,
            ranked: Vec::new(),
            faulty: Vec::new(),
        };
        let done = pipeline::run(global.client()?, input, &mut ranking).await;
        if done
            .as_ref()
            .err()
            .is_none_or(anyhow::Error::is::<InputError>)
        {
            ranking.sort();
            ranking.print(global)?;
        }
        done
    }
}

impl Command<1> for Ranking {
    type Result = gte_shared::wire::Ranking;
    type Request = gte_shared::wire::Rank;

    const TEXTS_BEFORE: usize = 1;

    fn request(&self, texts: Vec<[String; 1]>) -> gte_shared::wire::Rank {
        gte_shared::wire::Rank {
            query: self.query.clone(),
            texts: texts.into_iter().flatten().collect(),
            options: self.options.clone(),
        }
    }

    fn answer(
        &mut self,
        rows: Vec<Parsed<1>>,
        computed: Option<Computed<gte_shared::wire::Ranking>>,
    ) -> anyhow::Result<()> {
        let mut with_texts = Vec::with_capacity(rows.len());
        for row in rows {
            match row {
                Ok(row) => with_texts.push(Some(row)),
                Err(faulty) => self.faulty.push(faulty),
            }
        }
        let Some(computed) = computed else {
            return Ok(());
        };
        self.model = Some(computed.model);
        self.query_info = Some(computed.result.query);
        for hit in computed.result.hits {
            let row = with_texts.get_mut(hit.index as usize);
            if let Some(row) = row.and_then(Option::take) {
                self.ranked.push(Ranked { row, hit });
            }
        }
        Ok(())
    }
}

impl Ranking {
    /// Puts the best first, and equal scores in the order of the lines.
    fn sort(&mut self) {
        self.ranked.sort_by(|one, other| {
            let by_score = other.hit.cosine.total_cmp(&one.hit.cosine);
            by_score.then(one.row.number.cmp(&other.row.number))
        });
    }

    fn print(&self, global: &Global) -> anyhow::Result<()> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        if let Some(model) = &self.model {
            note_scale(global, model, &self.options);
            if let Some(query) = &self.query_info {
                warn(global, "the query", query);
            }
            for Ranked { row, hit } in &self.ranked {
                let line = row.number;
                let interpretation = global.interpretation(hit.verdict);
                if global.json {
                    let row = JsonRow {
                        line,
                        hit: HitRow::new(hit, interpretation),
                        text: &row.texts[0],
                        fields: &row.further,
                        query: self.query_info.as_ref().map(TextRow::from),
                        model: &model.id,
                        rules: model.rules,
                        scale: model.scale,
                    };
                    json_line(&mut out, &row)?;
                } else {
                    let (similarity, cosine) = (hit.similarity, hit.cosine);
                    write!(out, "{similarity:.2}\t{cosine}\t{interpretation}\t{line}")?;
                    for column in row.columns() {
                        write!(out, "\t{column}")?;
                    }
                    writeln!(out)?;
                }
                let location = format!("line {line}");
                warn(global, &location, &hit.text);
                let both = format!("{location} and the query");
                warn_if_same(global, &both, hit.same_tokens);
            }
        }
        for faulty in &self.faulty {
            if global.json {
                json_line(&mut out, &NullRow::new(faulty))?;
            } else {
                writeln!(out, "null\tnull\tnull\t{}\t", faulty.number)?;
            }
        }
        out.flush()?;
        Ok(())
    }
}
