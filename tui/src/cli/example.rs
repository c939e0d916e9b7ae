//! `gte` without a terminal: a scored example pair, so that the first run shows something anywhere.

use std::io::{self, Write};

use gte_shared::wire::json::PairLine;

use super::Global;
use super::output::{json_line, say, score_columns};

const EXAMPLE: [&str; 2] = ["今天天气很好", "今天天气不错"];

pub(super) async fn run(global: &Global) -> anyhow::Result<()> {
    let [a, b] = EXAMPLE;
    let link = global.link()?;
    let computed = link.similarity(a.to_owned(), b.to_owned()).await?;
    let score = &computed.result;
    let mut out = io::stdout().lock();
    if global.json {
        let word = global.interpretation(score.label);
        json_line(&mut out, &PairLine::new(score, &computed, word))?;
    } else {
        writeln!(out, "{}\t{a}\t{b}", score_columns(global, score))?;
    }
    say("no terminal for the screen, so this is an example pair; see `gte --help` for commands");
    Ok(())
}
