//! Handler of `Similarities`: the similarities of many pairs.

use std::time::Instant;

use gte_shared::wire::{Computed, ErrorReply, PairScore, Similarities};

use super::handle::Handle;
use super::reply::{computed, embed, score_pair};
use crate::serve::service::Service;

impl Handle for Similarities {
    async fn handle(self, service: &Service) -> Result<Computed<Vec<PairScore>>, ErrorReply> {
        let start = Instant::now();
        let loaded = service.selected();
        let texts = self.pairs.into_iter().flat_map(|(a, b)| [a, b]).collect();
        let embedded = embed(service, &loaded, texts).await?;
        let (pairs, _) = embedded.texts.as_chunks();
        let scores = pairs.iter().map(|[a, b]| score_pair(a, b)).collect();
        Ok(computed(&loaded, start, &embedded, scores))
    }
}
