//! `gte sim A B`: one pair.

use std::io::{self, Write};

use clap::Args;
use gte_shared::wire::json::PairLine;

use super::Global;
use super::error::InputError;
use super::output::{json_line, score_columns, warn_if_cut};

/// Score one pair of texts
///
/// Prints similarity, cosine and verdict, separated by tabs.
#[derive(Args, Debug)]
pub(super) struct Sim {
    /// One text
    pub(super) a: String,
    /// The other
    pub(super) b: String,
}

impl Sim {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let link = global.link()?;
        let computed = link.similarity(self.a, self.b).await;
        let place = |text| format!("text {}", ["A", "B"][text % 2]);
        let computed = computed.map_err(|error| InputError::locate(error, place))?;
        let score = &computed.result;
        let mut out = io::stdout().lock();
        if global.json {
            let word = global.interpretation(score.label);
            json_line(&mut out, &PairLine::new(score, &computed, word))?;
        } else {
            writeln!(out, "{}", score_columns(global, score))?;
        }
        warn_if_cut(global, "text A", score.a);
        warn_if_cut(global, "text B", score.b);
        Ok(())
    }
}
