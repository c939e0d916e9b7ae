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
use super::input::{Input, Line, text};
use super::output::{note_scale, warn, warn_if_same};
use super::pipeline::{self, Command};
use super::text_options::TextArguments;

/// Rank lines by their similarity to a text, best first
///
/// Prints similarity, cosine, verdict, line number and line, separated by tabs.
#[derive(Args, Debug)]
pub(super) struct Rank {
    /// Text that the lines are compared with
    query: String,
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    texts: TextArguments,
}

/// One line and its score.
struct Ranked {
    line: u64,
    text: String,
    hit: Hit,
}

/// All lines with their scores.
struct Ranking {
    query: String,
    options: TextOptions,
    model: Option<ModelInfo>,
    query_info: Option<TextInfo>,
    ranked: Vec<Ranked>,
}

impl Rank {
    /// Ranks all lines. If one is faulty, ranks those before it.
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let lines = self.input.lines(text)?;
        let mut ranking = Ranking {
            query: self.query,
            options: self.texts.options(),
            model: None,
            query_info: None,
            ranked: Vec::new(),
        };
        let done = pipeline::run(global.client()?, lines, &mut ranking).await;
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

impl Command for Ranking {
    type Content = String;
    type Result = gte_shared::wire::Ranking;
    type Request = gte_shared::wire::Rank;

    fn request(&self, lines: &[Line<String>]) -> gte_shared::wire::Rank {
        let texts = lines.iter().map(|line| line.content.clone());
        gte_shared::wire::Rank {
            query: self.query.clone(),
            texts: texts.collect(),
            options: self.options.clone(),
        }
    }

    fn line(text: usize) -> Option<usize> {
        text.checked_sub(1)
    }

    fn location(lines: &[Line<String>], text: usize) -> String {
        match text.checked_sub(1).and_then(|index| lines.get(index)) {
            Some(line) => format!("line {}", line.number),
            None => "the query".to_owned(),
        }
    }

    fn answer(
        &mut self,
        mut lines: Vec<Line<String>>,
        computed: Computed<gte_shared::wire::Ranking>,
    ) -> anyhow::Result<()> {
        self.model = Some(computed.model);
        self.query_info = Some(computed.result.query);
        for hit in computed.result.hits {
            if let Some(line) = lines.get_mut(hit.index as usize) {
                self.ranked.push(Ranked {
                    line: line.number,
                    text: std::mem::take(&mut line.content),
                    hit,
                });
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
            by_score.then(one.line.cmp(&other.line))
        });
    }

    fn print(&self, global: &Global) -> anyhow::Result<()> {
        #[derive(Serialize)]
        struct Row<'a> {
            line: u64,
            #[serde(flatten)]
            hit: HitRow<'a>,
            text: &'a str,
            query: Option<TextRow<'a>>,
            model: &'a str,
            #[serde(flatten)]
            rules: TextRules,
            #[serde(flatten)]
            scale: Scale,
        }
        let Some(model) = &self.model else {
            return Ok(());
        };
        note_scale(global, model, &self.options);
        if let Some(query) = &self.query_info {
            warn(global, "the query", query);
        }
        let mut out = io::BufWriter::new(io::stdout().lock());
        for Ranked { line, text, hit } in &self.ranked {
            let interpretation = global.interpretation(hit.verdict);
            if global.json {
                let row = Row {
                    line: *line,
                    hit: HitRow::new(hit, interpretation),
                    text,
                    query: self.query_info.as_ref().map(TextRow::from),
                    model: &model.id,
                    rules: model.rules,
                    scale: model.scale,
                };
                json_line(&mut out, &row)?;
            } else {
                let (similarity, cosine) = (hit.similarity, hit.cosine);
                writeln!(
                    out,
                    "{similarity:.2}\t{cosine}\t{interpretation}\t{line}\t{text}"
                )?;
            }
            let location = format!("line {line}");
            warn(global, &location, &hit.text);
            warn_if_same(
                global,
                &format!("{location} and the query"),
                hit.same_tokens,
            );
        }
        out.flush()?;
        Ok(())
    }
}
