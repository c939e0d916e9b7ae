//! Handler of `Similarity`: the similarity of two texts.

use std::time::Instant;

use gte_shared::wire::{Computed, ErrorReply, PairScore, Similarity};

use super::handle::Handle;
use super::reply::{Answered, computed, embed, incomplete, score_pair};
use crate::serve::context::Context;

impl Handle for Similarity {
    const NAME: &'static str = "similarity";

    async fn handle(self, context: &Context) -> Result<Computed<PairScore>, ErrorReply> {
        let start = Instant::now();
        let Answered {
            computed: embedded,
            model,
            scoring,
        } = embed(context, vec![self.a, self.b], &self.options).await?;
        let [a, b] = embedded.texts.as_slice() else {
            return Err(incomplete());
        };
        let score = score_pair(&scoring, a, b);
        let times = [embedded.tokenize, embedded.embed];
        Ok(computed(model, start, times, score))
    }
}
