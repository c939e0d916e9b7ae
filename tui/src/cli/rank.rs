//! `gte rank QUERY`: rank lines by their similarity to a text.

use std::io::{self, Write};

use clap::Args;
use gte_shared::client::Client;
use gte_shared::output::json_line;
use gte_shared::wire::json::HitRow;
use gte_shared::wire::{Hit, TextInfo};
use serde::Serialize;

use super::error::InputError;
use super::global::Global;
use super::input::{Input, Lines, text};
use super::output::warn_if_cut;

/// Rank lines by their similarity to a text, best first
///
/// Prints similarity, cosine, verdict, line number and line, separated by tabs.
#[derive(Args, Debug)]
pub(super) struct Rank {
    /// Text that the lines are compared with
    query: String,
    #[command(flatten)]
    input: Input,
}

/// One line and its score.
struct Ranked {
    line: u64,
    text: String,
    hit: Hit,
}

/// All lines with their scores, best first.
#[derive(Default)]
struct Ranking {
    model: String,
    query: Option<TextInfo>,
    ranked: Vec<Ranked>,
}

impl Rank {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let lines = self.input.lines(text)?;
        let client = global.client()?;
        let ranking = rank(&client, self.query, lines).await?;
        if let Some(query) = ranking.query {
            warn_if_cut(global, "the query", query);
        }
        ranking.print(global)
    }
}

async fn rank(client: &Client, query: String, mut lines: Lines<String>) -> anyhow::Result<Ranking> {
    let mut ranking = Ranking::default();
    loop {
        let mut lines = lines.next().await?;
        if lines.is_empty() {
            break;
        }
        let texts = lines.iter().map(|line| line.content.clone()).collect();
        let location = |text: usize| match text.checked_sub(1).and_then(|index| lines.get(index)) {
            Some(at) => format!("line {}", at.number),
            None => "the query".to_owned(),
        };
        let query = query.clone();
        let computed = client.call(gte_shared::wire::Rank { query, texts }).await;
        let computed = computed.map_err(|error| InputError::locate(error, location))?;
        ranking.model = computed.model.id;
        ranking.query = Some(computed.result.query);
        for hit in computed.result.hits {
            if let Some(line) = lines.get_mut(hit.index as usize) {
                ranking.ranked.push(Ranked {
                    line: line.number,
                    text: std::mem::take(&mut line.content),
                    hit,
                });
            }
        }
    }
    ranking.ranked.sort_by(|one, other| {
        let by_score = other.hit.cosine.total_cmp(&one.hit.cosine);
        by_score.then(one.line.cmp(&other.line))
    });
    Ok(ranking)
}

impl Ranking {
    fn print(&self, global: &Global) -> anyhow::Result<()> {
        #[derive(Serialize)]
        struct Row<'a> {
            line: u64,
            #[serde(flatten)]
            hit: HitRow<'a>,
            text: &'a str,
            query: Option<TextInfo>,
            model: &'a str,
        }
        let mut out = io::BufWriter::new(io::stdout().lock());
        for Ranked { line, text, hit } in &self.ranked {
            let interpretation = global.interpretation(hit.verdict);
            if global.json {
                let row = Row {
                    line: *line,
                    hit: HitRow::new(hit, interpretation),
                    text,
                    query: self.query,
                    model: &self.model,
                };
                json_line(&mut out, &row)?;
            } else {
                let (similarity, cosine) = (hit.similarity, hit.cosine);
                writeln!(
                    out,
                    "{similarity:.2}\t{cosine}\t{interpretation}\t{line}\t{text}"
                )?;
            }
            warn_if_cut(global, &format!("line {line}"), hit.text);
        }
        out.flush()?;
        Ok(())
    }
}
