//! How similar the two texts of each of many pairs are.

use std::time::Instant;

use gte_shared::wire::Reply;

use super::{Loaded, Outcome, computed, embed, score_pair};

pub(super) async fn answer(loaded: &Loaded, pairs: Vec<(String, String)>) -> Outcome {
    let start = Instant::now();
    let texts = pairs.into_iter().flat_map(|(a, b)| [a, b]).collect();
    let embedded = embed(loaded, texts).await?;
    let (pairs, _) = embedded.texts.as_chunks();
    let scores = pairs.iter().map(|[a, b]| score_pair(a, b)).collect();
    Ok(Reply::Similarities(computed(
        loaded, start, &embedded, scores,
    )))
}
