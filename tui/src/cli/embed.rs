//! `gte embed`: print the vectors of lines.

use std::io::{self, Write};

use clap::Args;
use gte_shared::output::json_line;
use gte_shared::wire::json::{VectorRow, VectorSpace};
use gte_shared::wire::{Computed, Embedding};
use serde::Serialize;

use super::error::InputError;
use super::global::Global;
use super::input::{Input, Line, text};
use super::output::warn_if_cut;

/// Print the embedding vector of each line
///
/// Prints one line per input line, in the same order: the values of the vector, separated by tabs.
/// Vectors have unit length, so that their dot product is the cosine.
#[derive(Args, Debug)]
pub(super) struct Embed {
    #[command(flatten)]
    input: Input,
}

impl Embed {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let mut lines = self.input.lines(text)?;
        let client = global.client()?;
        loop {
            let lines = lines.next().await?;
            if lines.is_empty() {
                return Ok(());
            }
            let texts = lines.iter().map(|line| line.content.clone()).collect();
            let location = |text: usize| match lines.get(text) {
                Some(at) => format!("line {}", at.number),
                None => format!("text {text}"),
            };
            let computed = client.call(gte_shared::wire::Embed { texts }).await;
            let computed = computed.map_err(|error| InputError::locate(error, location))?;
            print(global, &lines, &computed)?;
        }
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
        space: VectorSpace,
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    for (line, embedding) in lines.iter().zip(&computed.result) {
        if global.json {
            let row = Row {
                line: line.number,
                vector: VectorRow::from(embedding),
                model: &computed.model.id,
                space: VectorSpace::of(computed),
            };
            json_line(&mut out, &row)?;
        } else {
            let values: Vec<String> = embedding.vector.iter().map(f32::to_string).collect();
            writeln!(out, "{}", values.join("\t"))?;
        }
        warn_if_cut(global, &format!("line {}", line.number), embedding.text);
    }
    out.flush()?;
    Ok(())
}
