//! The vectors of texts.

use std::time::Instant;

use gte_shared::wire::{Embedding, MAX_FRAME_BYTES, Reply};

use super::{Loaded, Outcome, computed, embed, too_many};

/// What a vector costs in a reply besides its numbers, in bytes: its length, the number of tokens
/// and the mark of truncation, each as long as it can get.
const OVERHEAD_BYTES: usize = 5 + 5 + 1;

/// What the rest of a reply costs, in bytes: model, timings and lengths, generously.
const ENVELOPE_BYTES: usize = 4096;

pub(super) async fn answer(loaded: &Loaded, texts: Vec<String>) -> Outcome {
    let start = Instant::now();
    // Found out before the work is done, not after.
    let most = most_vectors(loaded.model.dimension as usize);
    if texts.len() > most {
        return Err(too_many(texts.len(), most));
    }
    let embedded = embed(loaded, texts).await?;
    let embeddings = embedded
        .texts
        .iter()
        .map(|(vector, text)| Embedding {
            vector: vector.to_vec(),
            text: *text,
        })
        .collect();
    Ok(Reply::Embeddings(computed(
        loaded, start, &embedded, embeddings,
    )))
}

/// How many vectors fit into one reply.
fn most_vectors(dimension: usize) -> usize {
    (MAX_FRAME_BYTES - ENVELOPE_BYTES) / (dimension * size_of::<f32>() + OVERHEAD_BYTES)
}

#[cfg(test)]
mod tests {
    use gte_shared::wire::{
        Computed, ModelCard, Pooling, Precision, ReplyEnvelope, TextInfo, Timings, codec,
    };

    use super::*;

    #[test]
    fn the_most_vectors_fit_into_a_frame() {
        let dimension = 512;
        let vectors = most_vectors(dimension);
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
                model: ModelCard {
                    id: "m".repeat(255),
                    dimension: 512,
                    pooling: Pooling::Cls,
                    max_tokens: 512,
                    precision: Precision::F32,
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
