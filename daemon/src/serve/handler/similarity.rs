//! Handler of `Similarity`: the similarity of two texts.

use std::time::Instant;

use gte_shared::wire::{Computed, ErrorReply, PairScore, Similarity};

use super::handle::Handle;
use super::reply::{computed, embed, incomplete, score_pair};
use crate::serve::service::Service;

impl Handle for Similarity {
    async fn handle(self, service: &Service) -> Result<Computed<PairScore>, ErrorReply> {
        let start = Instant::now();
        let loaded = service.selected();
        let embedded = embed(service, &loaded, vec![self.a, self.b]).await?;
        let [a, b] = embedded.texts.as_slice() else {
            return Err(incomplete());
        };
        let score = score_pair(a, b);
        Ok(computed(&loaded, start, &embedded, score))
    }
}
