//! How similar two texts are.

use std::time::Instant;

use gte_shared::wire::Reply;

use super::{Outcome, Service, computed, embed, incomplete, score_pair};

pub(super) async fn answer(service: &Service, a: String, b: String) -> Outcome {
    let start = Instant::now();
    let embedded = embed(service, vec![a, b]).await?;
    let [a, b] = embedded.texts.as_slice() else {
        return Err(incomplete());
    };
    let score = score_pair(a, b);
    Ok(Reply::Similarity(computed(
        service, start, &embedded, score,
    )))
}
