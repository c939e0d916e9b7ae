//! Handler of `Embed`: the vectors of texts.

use std::time::Instant;

use gte_shared::wire::{Computed, Embed, Embedding, ErrorReply, MAX_FRAME_BYTES};

use super::handle::Handle;
use super::reply::{computed, embed, too_many};
use crate::serve::service::Service;

/// Most bytes of a vector in a reply besides its values: its length and its token count as variable
/// integers, and the truncation flag.
const OVERHEAD_BYTES: usize = 5 + 5 + 1;

/// Bytes for the rest of a reply: more than model, timings and lengths take.
const ENVELOPE_BYTES: usize = 4096;

impl Handle for Embed {
    async fn handle(self, service: &Service) -> Result<Computed<Vec<Embedding>>, ErrorReply> {
        let start = Instant::now();
        let loaded = service.selected();
        // Checked before the vectors are computed.
        let limit = max_vectors(loaded.model.dimension as usize);
        if self.texts.len() > limit {
            return Err(too_many(self.texts.len(), limit));
        }
        let embedded = embed(service, &loaded, self.texts).await?;
        let embeddings = embedded
            .texts
            .iter()
            .map(|(vector, text)| Embedding {
                vector: vector.to_vec(),
                text: *text,
            })
            .collect();
        Ok(computed(&loaded, start, &embedded, embeddings))
    }
}

/// Most vectors in one reply.
fn max_vectors(dimension: usize) -> usize {
    (MAX_FRAME_BYTES - ENVELOPE_BYTES) / (dimension * size_of::<f32>() + OVERHEAD_BYTES)
}

#[cfg(test)]
mod tests {
    use gte_shared::wire::{
        ModelInfo, Pooling, Precision, Reply, ReplyEnvelope, TextInfo, Timings, codec,
    };

    use super::*;

    #[test]
    fn as_many_vectors_as_allowed_fit_into_a_frame() {
        let dimension = 512;
        let vectors = max_vectors(dimension);
        let embedding = Embedding {
            vector: vec![0.5; dimension],
            text: TextInfo {
                tokens: 512,
                truncated: true,
            },
        };
        let reply: ReplyEnvelope = (
            u64::MAX,
            Ok(Reply::Embeddings(Computed {
                model: ModelInfo {
                    id: "m".repeat(255),
                    dimension: 512,
                    pooling: Pooling::Cls,
                    max_tokens: 512,
                    precision: Precision::F32,
                    builtin: false,
                },
                timings: Timings {
                    tokenize_micros: u64::MAX,
                    embed_micros: u64::MAX,
                    total_micros: u64::MAX,
                },
                result: vec![embedding; vectors],
            })),
        );
        let frame = codec::encode(&reply).unwrap();
        assert!(frame.len() <= MAX_FRAME_BYTES);
        assert!(codec::decode::<ReplyEnvelope>(&frame).is_ok());
        assert!(
            frame.len() > MAX_FRAME_BYTES / 100 * 99,
            "and waste little of it"
        );
    }
}
