//! Handler of `Rank`: texts in the order of their similarity to a query.

use std::time::Instant;

use gte_shared::wire::{Computed, ErrorReply, Hit, Rank, Ranking};

use super::handle::Handle;
use super::reply::{computed, embed, incomplete, score_pair};
use crate::serve::service::Service;

impl Handle for Rank {
    async fn handle(self, service: &Service) -> Result<Computed<Ranking>, ErrorReply> {
        let start = Instant::now();
        let loaded = service.selected();
        let all = std::iter::once(self.query).chain(self.texts).collect();
        let embedded = embed(service, &loaded, all).await?;
        let (query, texts) = embedded.texts.split_first().ok_or_else(incomplete)?;
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
        let ranking = Ranking {
            query: query.1,
            hits,
        };
        Ok(computed(&loaded, start, &embedded, ranking))
    }
}
