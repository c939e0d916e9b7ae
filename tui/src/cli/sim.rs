//! `gte sim A B`: score one pair.

use std::io::{self, Write};

use clap::Args;
use gte_shared::client::{Client, ClientError};
use gte_shared::output::json_line;
use gte_shared::wire::json::{ExplanationRow, PairRow, Source};
use gte_shared::wire::{Computed, Explain, Explanation, Similarity, TextOptions};
use serde::Serialize;

use super::error::InputError;
use super::explanation::write_words;
use super::global::Global;
use super::output::{WithSource, note_scale, score_columns, warn, warn_if_same};
use super::text_options::TextArguments;

/// Score one pair of texts
///
/// Prints similarity, cosine and verdict, separated by tabs.
#[derive(Args, Debug)]
pub(super) struct Sim {
    /// First text
    #[arg(allow_hyphen_values = true)]
    pub(super) a: String,
    /// Second text
    #[arg(allow_hyphen_values = true)]
    pub(super) b: String,
    /// Print for each word what the score gains by it, and the most similar word of the other text
    #[arg(long)]
    pub(super) explain: bool,
    #[command(flatten)]
    pub(super) texts: TextArguments,
}

/// A row of `--json`.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    pair: PairRow<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<ExplanationRow<'a>>,
}

impl Sim {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let client = global.client()?;
        let options = self.texts.options();
        let computed = self.ask(&client, &options).await;
        let location = |text| format!("text {}", ["A", "B"][text % 2]);
        let computed = computed.map_err(|error| InputError::located(error, location))?;
        let explanation = &computed.result;
        let score = &explanation.score;
        let mut out = io::stdout().lock();
        if global.json {
            let row = WithSource {
                row: Row {
                    pair: PairRow::new(score, global.interpretation(score.verdict)),
                    explanation: self.explain.then(|| explanation.into()),
                },
                source: Source::of(&computed),
            };
            json_line(&mut out, &row)?;
        } else {
            writeln!(out, "{}", score_columns(global, score))?;
            write_words(&mut out, explanation)?;
        }
        note_scale(global, &computed.model, &options);
        warn(global, "text A", &score.a);
        warn(global, "text B", &score.b);
        warn_if_same(global, "text A and B", score.same_tokens);
        Ok(())
    }

    /// Asks for the score; without `--explain`, for a score without words.
    async fn ask(
        &self,
        client: &Client,
        options: &TextOptions,
    ) -> Result<Computed<Explanation>, ClientError> {
        let (a, b, options) = (self.a.clone(), self.b.clone(), options.clone());
        if self.explain {
            return client.call(Explain { a, b, options }).await;
        }
        let computed = client.call(Similarity { a, b, options }).await?;
        Ok(Computed {
            model: computed.model,
            timings: computed.timings,
            result: Explanation {
                score: computed.result,
                a: Vec::new(),
                b: Vec::new(),
            },
        })
    }
}
