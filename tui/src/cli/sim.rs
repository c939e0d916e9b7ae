//! `gte sim A B`: score one pair.

use std::io::{self, Write};

use clap::Args;
use gte_shared::output::json_line;
use gte_shared::wire::Similarity;
use gte_shared::wire::json::{PairRow, Source};

use super::error::InputError;
use super::global::Global;
use super::output::{WithSource, note_scale, score_columns, warn, warn_if_same};
use super::text_options::TextArguments;

/// Score one pair of texts
///
/// Prints similarity, cosine and verdict, separated by tabs.
#[derive(Args, Debug)]
pub(super) struct Sim {
    /// First text
    pub(super) a: String,
    /// Second text
    pub(super) b: String,
    #[command(flatten)]
    pub(super) texts: TextArguments,
}

impl Sim {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let client = global.client()?;
        let (a, b, options) = (self.a, self.b, self.texts.options());
        let asked = Similarity {
            a,
            b,
            options: options.clone(),
        };
        let computed = client.call(asked).await;
        let location = |text| format!("text {}", ["A", "B"][text % 2]);
        let computed = computed.map_err(|error| InputError::locate(error, location))?;
        let score = &computed.result;
        let mut out = io::stdout().lock();
        if global.json {
            let row = WithSource {
                row: PairRow::new(score, global.interpretation(score.verdict)),
                source: Source::of(&computed),
            };
            json_line(&mut out, &row)?;
        } else {
            writeln!(out, "{}", score_columns(global, score))?;
        }
        note_scale(global, &computed.model, &options);
        warn(global, "text A", &score.a);
        warn(global, "text B", &score.b);
        warn_if_same(global, "text A and B", score.same_tokens);
        Ok(())
    }
}
