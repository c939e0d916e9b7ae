//! One text against many, best first.

use std::time::Instant;

use gte_shared::wire::{Hit, Ranking, Reply};

use super::{Loaded, Outcome, computed, embed, incomplete, score_pair};

pub(super) async fn answer(loaded: &Loaded, query: String, texts: Vec<String>) -> Outcome {
    let start = Instant::now();
    let all = std::iter::once(query).chain(texts).collect();
    let embedded = embed(loaded, all).await?;
    let (query, texts) = embedded.texts.split_first().ok_or_else(incomplete)?;
    let mut hits: Vec<Hit> = (0..)
        .zip(texts)
        .map(|(index, text)| {
            let score = score_pair(query, text);
            Hit {
                index,
                cosine: score.cosine,
                similarity: score.similarity,
                label: score.label,
                text: score.b,
            }
        })
        .collect();
    // Stable: equals keep the order of the request.
    hits.sort_by(|one, other| other.cosine.total_cmp(&one.cosine));
    let ranking = Ranking {
        query: query.1,
        hits,
    };
    Ok(Reply::Ranking(computed(loaded, start, &embedded, ranking)))
}
