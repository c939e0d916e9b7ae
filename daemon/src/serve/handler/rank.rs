//! Handler of `Rank`: texts in the order of their similarity to a query.

use std::time::Instant;

use gte_shared::wire::{Computed, ErrorReply, Hit, Rank, Ranking};

use super::handle::Handle;
use super::reply::{Answered, computed, embed, incomplete, result_of, score_pair};
use crate::engine::EmbeddedText;
use crate::serve::context::Context;
use crate::serve::scales::Scoring;

impl Handle for Rank {
    const NAME: &'static str = "rank";

    async fn handle(self, context: &Context) -> Result<Computed<Ranking>, ErrorReply> {
        let start = Instant::now();
        let all = std::iter::once(self.query).chain(self.texts).collect();
        let Answered {
            computed: embedded,
            model,
            scoring,
        } = embed(context, all, &self.options).await?;
        let (times, ranking) = result_of(embedded, move |texts| rank(texts, &scoring)).await?;
        Ok(computed(model, start, times, ranking?))
    }
}

/// Ranks texts by their similarity to the first one.
fn rank(texts: &[EmbeddedText], scoring: &Scoring) -> Result<Ranking, ErrorReply> {
    let (query, texts) = texts.split_first().ok_or_else(incomplete)?;
    let mut hits: Vec<Hit> = (0..)
        .zip(texts)
        .map(|(index, text)| {
            let score = score_pair(scoring, query, text);
            Hit {
                index,
                cosine: score.cosine,
                similarity: score.similarity,
                verdict: score.verdict,
                text: score.b,
                same_tokens: score.same_tokens,
            }
        })
        .collect();
    // A stable sort: equal scores keep the order of the request.
    hits.sort_by(|one, other| other.cosine.total_cmp(&one.cosine));
    Ok(Ranking {
        query: query.info.clone(),
        hits,
    })
}
