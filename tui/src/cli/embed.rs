//! `gte embed`: print the vectors of lines.

use std::io::{self, Write};

use clap::Args;
use gte_shared::output::json_line;
use gte_shared::wire::json::{VectorRow, VectorSpace};
use gte_shared::wire::{Computed, Embedding, TextRules};
use serde::Serialize;

use super::global::Global;
use super::input::{Input, Line, text};
use super::output::warn;
use super::pipeline::{self, Command};
use super::text_options::TextArguments;

/// Print the embedding vector of each line
///
/// Prints one line per input line, in the same order: the values of the vector, separated by tabs.
/// Vectors have unit length, so that their dot product is the cosine.
#[derive(Args, Debug)]
pub(super) struct Embed {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    texts: TextArguments,
}

impl Embed {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let lines = self.input.lines(text)?;
        pipeline::run(global.client()?, lines, &mut Printer(global, self.texts)).await
    }
}

/// Prints vectors as they come.
struct Printer<'a>(&'a Global, TextArguments);

impl Command for Printer<'_> {
    type Content = String;
    type Result = Vec<Embedding>;
    type Request = gte_shared::wire::Embed;

    fn request(&self, lines: &[Line<String>]) -> gte_shared::wire::Embed {
        let texts = lines.iter().map(|line| line.content.clone());
        gte_shared::wire::Embed {
            texts: texts.collect(),
            options: self.1.options(),
        }
    }

    fn line(text: usize) -> Option<usize> {
        Some(text)
    }

    fn location(lines: &[Line<String>], text: usize) -> String {
        match lines.get(text) {
            Some(line) => format!("line {}", line.number),
            None => format!("text {text}"),
        }
    }

    fn answer(
        &mut self,
        lines: Vec<Line<String>>,
        computed: Computed<Vec<Embedding>>,
    ) -> anyhow::Result<()> {
        print(self.0, &lines, &computed)
    }
}

fn print(
    global: &Global,
    lines: &[Line<String>],
    computed: &Computed<Vec<Embedding>>,
) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Row<'a> {
        line: u64,
        #[serde(flatten)]
        vector: VectorRow<'a>,
        model: &'a str,
        #[serde(flatten)]
        rules: TextRules,
        #[serde(flatten)]
        space: VectorSpace,
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    for (line, embedding) in lines.iter().zip(&computed.result) {
        if global.json {
            let row = Row {
                line: line.number,
                vector: VectorRow::from(embedding),
                model: &computed.model.id,
                rules: computed.model.rules,
                space: VectorSpace::of(computed),
            };
            json_line(&mut out, &row)?;
        } else {
            let mut separator = "";
            for value in &embedding.vector {
                write!(out, "{separator}{value}")?;
                separator = "\t";
            }
            writeln!(out)?;
        }
        warn(global, &format!("line {}", line.number), &embedding.text);
    }
    out.flush()?;
    Ok(())
}
