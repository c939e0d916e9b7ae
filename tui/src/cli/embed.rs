//! `gte embed`: the vectors of lines.

use std::io::{self, Write};

use clap::Args;
use gte_shared::wire::{Computed, Embedding, Pooling, TextInfo};
use serde::Serialize;

use super::Global;
use super::error::InputError;
use super::input::{Input, Line, text};
use super::output::{json_line, warn_if_cut};

/// Print the embedding vector of each line
///
/// Prints a line for each, in the same order: its numbers, separated by tabs. Vectors have unit
/// length, so that their dot product is the cosine.
#[derive(Args, Debug)]
pub(super) struct Embed {
    #[command(flatten)]
    input: Input,
}

impl Embed {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let mut lines = self.input.lines(text)?;
        let link = global.link()?;
        loop {
            let lines = lines.next().await?;
            if lines.is_empty() {
                return Ok(());
            }
            let texts = lines.iter().map(|line| line.content.clone()).collect();
            let place = |text: usize| match lines.get(text) {
                Some(at) => format!("line {}", at.number),
                None => format!("text {text}"),
            };
            let computed = link.embed(texts).await;
            let computed = computed.map_err(|error| InputError::locate(error, place))?;
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
    struct Object<'a> {
        line: u64,
        embedding: &'a [f32],
        #[serde(flatten)]
        info: TextInfo,
        model: &'a str,
        dimension: u32,
        pooling: Pooling,
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    for (line, embedding) in lines.iter().zip(&computed.result) {
        if global.json {
            let object = Object {
                line: line.number,
                embedding: &embedding.vector,
                info: embedding.text,
                model: &computed.model.id,
                dimension: computed.model.dimension,
                pooling: computed.model.pooling,
            };
            json_line(&mut out, &object)?;
        } else {
            let numbers: Vec<String> = embedding.vector.iter().map(f32::to_string).collect();
            writeln!(out, "{}", numbers.join("\t"))?;
        }
        warn_if_cut(global, &format!("line {}", line.number), embedding.text);
    }
    out.flush()?;
    Ok(())
}
