//! Handler of `Rank`: texts in the order of their similarity to a query.

use std::sync::Arc;
use std::time::Instant;

use gte_shared::wire::{Computed, ErrorReply, Hit, Rank, Ranking, TextInfo};

use super::handle::Handle;
use super::reply::{computed, embed, incomplete, result_of, score_pair};
use crate::serve::context::Context;

impl Handle for Rank {
    async fn handle(self, context: &Context) -> Result<Computed<Ranking>, ErrorReply> {
        let start = Instant::now();
        let all = std::iter::once(self.query).chain(self.texts).collect();
        let embedded = embed(context, all).await?;
        let (times, ranking) = result_of(embedded, rank).await?;
        Ok(computed(context, start, times, ranking?))
    }
}

/// Ranks texts by their similarity to the first one.
fn rank(texts: &[(Arc<[f32]>, TextInfo)]) -> Result<Ranking, ErrorReply> {
    let (query, texts) = texts.split_first().ok_or_else(incomplete)?;
    let mut hits: Vec<Hit> = (0..)
        .zip(texts)
        .map(|(index, text)| {
            let score = score_pair(query, text);
            Hit {
                index,
                cosine: score.cosine,
                similarity: score.similarity,
                verdict: score.verdict,
                text: score.b,
            }
        })
        .collect();
    // A stable sort: equal scores keep the order of the request.
    hits.sort_by(|one, other| other.cosine.total_cmp(&one.cosine));
    Ok(Ranking {
        query: query.1,
        hits,
    })
}
