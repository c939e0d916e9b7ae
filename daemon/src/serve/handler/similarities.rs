//! Handler of `Similarities`: the similarities of many pairs.

use std::time::Instant;

use gte_shared::wire::{Computed, ErrorReply, PairScore, Similarities};

use super::handle::Handle;
use super::reply::{Answered, computed, embed, result_of, score_pair};
use crate::serve::context::Context;

impl Handle for Similarities {
    const NAME: &'static str = "similarities";

    async fn handle(self, context: &Context) -> Result<Computed<Vec<PairScore>>, ErrorReply> {
        let start = Instant::now();
        let texts = self.pairs.into_iter().flat_map(|(a, b)| [a, b]).collect();
        let Answered {
            computed: embedded,
            model,
            scoring,
        } = embed(context, texts, &self.options).await?;
        let result = result_of(embedded, move |texts| {
            let (pairs, _) = texts.as_chunks();
            pairs
                .iter()
                .map(|[a, b]| score_pair(&scoring, a, b))
                .collect()
        });
        let (times, scores) = result.await?;
        Ok(computed(model, start, times, scores))
    }
}
