//! `gte batch`: score many pairs.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;

use clap::Args;
use gte_shared::client::{Client, ClientError};
use gte_shared::output::json_line;
use gte_shared::wire::json::{PairRow, Source};
use gte_shared::wire::{Computed, PairScore, Similarities};
use tokio::task::JoinHandle;

use super::error::{BLANK, InputError};
use super::global::Global;
use super::input::{Input, Line, LineFault};
use super::output::{WithSource, score_columns, warn_if_cut};

/// Most requests in flight: the daemon computes one while the next is sent.
const IN_FLIGHT: usize = 2;

/// Score many pairs, one per line: a<TAB>b
///
/// Prints a line for each, in the same order: similarity, cosine, verdict and the two texts,
/// separated by tabs.
#[derive(Args, Debug)]
pub(super) struct Batch {
    #[command(flatten)]
    input: Input,
}

type Pair = (String, String);

type Scores = Result<Computed<Vec<PairScore>>, ClientError>;

/// Lines of a request in flight.
struct Asked {
    lines: Vec<Line<Pair>>,
    answer: JoinHandle<Scores>,
}

impl Batch {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let mut lines = self.input.lines(parse)?;
        let client = Arc::new(global.client()?);
        let mut asked: VecDeque<Asked> = VecDeque::new();
        loop {
            let room = asked.len() < IN_FLIGHT;
            tokio::select! {
                // Answers first: a writer may wait for the score of one pair before it writes the
                // next.
                biased;
                scores = answer(&mut asked) => {
                    if let Some(asked) = asked.pop_front() {
                        asked.print(global, scores)?;
                    }
                }
                next = lines.next(), if room => {
                    let over = !matches!(&next, Ok(lines) if !lines.is_empty());
                    while over && let Some(mut oldest) = asked.pop_front() {
                        let scores = (&mut oldest.answer).await?;
                        oldest.print(global, scores)?;
                    }
                    let lines = next?;
                    if lines.is_empty() {
                        return Ok(());
                    }
                    asked.push_back(Asked::ask(&client, lines));
                }
            }
        }
    }
}

/// Waits for the oldest answer; without a request in flight, waits for ever.
async fn answer(asked: &mut VecDeque<Asked>) -> Scores {
    match asked.front_mut() {
        None => std::future::pending().await,
        // The task neither panics nor is it aborted.
        Some(oldest) => (&mut oldest.answer)
            .await
            .unwrap_or(Err(ClientError::Closed)),
    }
}

impl Asked {
    fn ask(client: &Arc<Client>, lines: Vec<Line<Pair>>) -> Self {
        let pairs = lines.iter().map(|line| line.content.clone()).collect();
        let client = Arc::clone(client);
        let answer = tokio::spawn(async move { client.call(Similarities { pairs }).await });
        Self { lines, answer }
    }

    fn print(self, global: &Global, scores: Scores) -> anyhow::Result<()> {
        let lines = self.lines;
        let location = |text: usize| match lines.get(text / 2) {
            Some(line) => format!("line {}, text {}", line.number, ["A", "B"][text % 2]),
            None => format!("text {text}"),
        };
        let computed = scores.map_err(|error| InputError::locate(error, location))?;
        let mut out = io::BufWriter::new(io::stdout().lock());
        for (line, score) in lines.iter().zip(&computed.result) {
            if global.json {
                let row = WithSource {
                    row: PairRow::new(score, global.interpretation(score.verdict)),
                    source: Source::of(&computed),
                };
                json_line(&mut out, &row)?;
            } else {
                let (a, b) = &line.content;
                writeln!(out, "{}\t{a}\t{b}", score_columns(global, score))?;
            }
            let number = line.number;
            warn_if_cut(global, &format!("line {number}, text A"), score.a);
            warn_if_cut(global, &format!("line {number}, text B"), score.b);
        }
        out.flush()?;
        Ok(())
    }
}

fn parse(line: &str) -> Result<Pair, LineFault> {
    if line.trim().is_empty() {
        return Err(LineFault(BLANK.to_owned()));
    }
    let columns: Vec<&str> = line.split('\t').collect();
    let [a, b] = columns.as_slice() else {
        let found = columns.len();
        let fault = format!("{found} columns, where a pair has 2: a<TAB>b");
        return Err(LineFault(fault));
    };
    for (name, text) in [("A", a), ("B", b)] {
        if text.trim().is_empty() {
            return Err(LineFault(format!("text {name} is blank")));
        }
    }
    Ok(((*a).to_owned(), (*b).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_has_two_texts_and_one_tab() {
        assert_eq!(parse("甲\t乙"), Ok(("甲".into(), "乙".into())));
        assert!(parse("甲").unwrap_err().0.contains("1 columns"));
        assert!(parse("甲\t乙\t丙").unwrap_err().0.contains("3 columns"));
        assert_eq!(parse("甲\t "), Err(LineFault("text B is blank".into())));
        assert_eq!(parse("\u{3000}"), Err(LineFault(BLANK.into())));
    }
}
