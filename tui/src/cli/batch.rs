//! `gte batch`: score many pairs.

use std::io::{self, Write};

use clap::Args;
use gte_shared::output::json_line;
use gte_shared::wire::json::{PairRow, Source};
use gte_shared::wire::{Computed, PairScore, Similarities, TextOptions};

use super::error::BLANK;
use super::global::Global;
use super::input::{Input, Line, LineFault};
use super::output::{WithSource, note_scale, score_columns, warn, warn_if_same};
use super::pipeline::{self, Command};
use super::text_options::TextArguments;

/// Score many pairs, one per line: a<TAB>b
///
/// Prints a line for each, in the same order: similarity, cosine, verdict and the two texts,
/// separated by tabs.
#[derive(Args, Debug)]
pub(super) struct Batch {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    texts: TextArguments,
}

type Pair = (String, String);

impl Batch {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let lines = self.input.lines(parse)?;
        let mut printer = Printer {
            global,
            options: self.texts.options(),
            noted: false,
        };
        pipeline::run(global.client()?, lines, &mut printer).await
    }
}

/// Prints the scores of pairs as they come.
struct Printer<'a> {
    global: &'a Global,
    options: TextOptions,
    /// True once the scale of the scores has been told.
    noted: bool,
}

impl Command for Printer<'_> {
    type Content = Pair;
    type Result = Vec<PairScore>;
    type Request = Similarities;

    fn request(&self, lines: &[Line<Pair>]) -> Similarities {
        let pairs = lines.iter().map(|line| line.content.clone());
        Similarities {
            pairs: pairs.collect(),
            options: self.options.clone(),
        }
    }

    fn line(text: usize) -> Option<usize> {
        Some(text / 2)
    }

    fn location(lines: &[Line<Pair>], text: usize) -> String {
        match lines.get(text / 2) {
            Some(line) => format!("line {}, text {}", line.number, ["A", "B"][text % 2]),
            None => format!("text {text}"),
        }
    }

    fn answer(
        &mut self,
        lines: Vec<Line<Pair>>,
        computed: Computed<Vec<PairScore>>,
    ) -> anyhow::Result<()> {
        let global = self.global;
        if !self.noted {
            self.noted = true;
            note_scale(global, &computed.model, &self.options);
        }
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
            warn(global, &format!("line {number}, text A"), &score.a);
            warn(global, &format!("line {number}, text B"), &score.b);
            warn_if_same(global, &format!("line {number}"), score.same_tokens);
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
