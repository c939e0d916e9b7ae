//! How similar two texts are.

use std::time::Instant;

use gte_shared::wire::Reply;

use super::{Loaded, Outcome, computed, embed, incomplete, score_pair};

pub(super) async fn answer(loaded: &Loaded, a: String, b: String) -> Outcome {
    let start = Instant::now();
    let embedded = embed(loaded, vec![a, b]).await?;
    let [a, b] = embedded.texts.as_slice() else {
        return Err(incomplete());
    };
    let score = score_pair(a, b);
    Ok(Reply::Similarity(computed(loaded, start, &embedded, score)))
}
