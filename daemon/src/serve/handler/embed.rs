//! Handler of `Embed`: the vectors of texts.

use std::time::Instant;

use gte_shared::wire::{Computed, Embed, Embedding, ErrorReply, MAX_FRAME_BYTES};

use super::handle::Handle;
use super::reply::{Answered, computed, embed, result_of, too_many};
use crate::engine::EmbeddedText;
use crate::serve::context::{Context, ReplyForm};

/// Most bytes of a value of a vector and the comma behind it in JSON, such as `-1.2345678e-38,`.
const JSON_VALUE_BYTES: usize = 16;

/// Most bytes of a vector in a reply besides its values. In binary: variable integers of up to five
/// bytes, for its length and for what became of the text.
const BINARY_OVERHEAD_BYTES: usize = 76;

/// The same in JSON, with the names of the fields.
const JSON_OVERHEAD_BYTES: usize = 384;

/// Most bytes of a vector in JSON besides its base64: the names of OpenAI's fields.
const BASE64_OVERHEAD_BYTES: usize = 96;

/// Bytes for the rest of a reply: more than model, timings and lengths take.
const ENVELOPE_BYTES: usize = 4096;

impl Handle for Embed {
    const NAME: &'static str = "embed";

    fn reply_bytes(&self, form: ReplyForm, dimension: usize) -> Result<usize, ErrorReply> {
        let limit = most_vectors_in_reply(form, dimension);
        if self.texts.len() > limit {
            return Err(too_many(self.texts.len(), limit));
        }
        Ok(self.texts.len() * vector_bytes(form, dimension))
    }

    async fn handle(self, context: &Context) -> Result<Computed<Vec<Embedding>>, ErrorReply> {
        let start = Instant::now();
        let Answered {
            computed: embedded,
            model,
            ..
        } = embed(context, self.texts, &self.options).await?;
        let vectors = result_of(embedded, |texts| {
            let embedding = |text: &EmbeddedText| Embedding {
                vector: text.vector.to_vec(),
                text: text.info.clone(),
            };
            texts.iter().map(embedding).collect()
        });
        let (times, embeddings) = vectors.await?;
        Ok(computed(model, start, times, embeddings))
    }
}

/// Most vectors that fit into a reply.
pub(in crate::serve) fn most_vectors_in_reply(form: ReplyForm, dimension: usize) -> usize {
    (MAX_FRAME_BYTES - ENVELOPE_BYTES) / vector_bytes(form, dimension)
}

/// Most bytes of a vector in a reply.
fn vector_bytes(form: ReplyForm, dimension: usize) -> usize {
    match form {
        ReplyForm::Binary => dimension * size_of::<f32>() + BINARY_OVERHEAD_BYTES,
        ReplyForm::Json => dimension * JSON_VALUE_BYTES + JSON_OVERHEAD_BYTES,
        // Four characters for three bytes.
        ReplyForm::Base64 => (dimension * size_of::<f32>()).div_ceil(3) * 4 + BASE64_OVERHEAD_BYTES,
    }
}

#[cfg(test)]
mod tests {
    use gte_shared::score::Scale;
    use gte_shared::wire::json::reply_line;
    use gte_shared::wire::{
        MAX_UNKNOWN_PLACES, ModelInfo, Pooling, Precision, Reply, ReplyEnvelope, TextInfo,
        TextOptions, TextRules, Timings, codec,
    };

    use super::*;

    /// The largest reply to a request of the most texts.
    fn largest_reply(form: ReplyForm, value: f32) -> Reply {
        let dimension = 512;
        let vectors = most_vectors_in_reply(form, dimension);
        let request = |texts: usize| Embed {
            texts: vec![String::new(); texts],
            options: TextOptions::default(),
        };
        assert!(request(vectors).reply_bytes(form, dimension).is_ok());
        assert!(request(vectors + 1).reply_bytes(form, dimension).is_err());
        let embedding = Embedding {
            vector: vec![value; dimension],
            text: TextInfo {
                tokens: u32::MAX,
                total_tokens: u32::MAX,
                cut_at: Some(u32::MAX),
                windows: u32::MAX,
                unknown: u32::MAX,
                unknown_at: vec![(u32::MAX, u32::MAX); MAX_UNKNOWN_PLACES],
                changed_by: "nfkc,punctuation,lowercase".parse().unwrap(),
            },
        };
        Reply::Embeddings(Computed {
            model: ModelInfo {
                id: "m".repeat(255),
                dimension: 512,
                pooling: Pooling::Cls,
                max_tokens: 512,
                precision: Precision::F32,
                builtin: false,
                rules: TextRules::default(),
                scale: Scale::default(),
            },
            timings: Timings {
                tokenize_micros: u64::MAX,
                embed_micros: u64::MAX,
                total_micros: u64::MAX,
            },
            result: vec![embedding; vectors],
        })
    }

    #[test]
    fn as_many_vectors_as_allowed_fit_into_a_frame() {
        let reply: ReplyEnvelope = (u64::MAX, Ok(largest_reply(ReplyForm::Binary, 0.5)));
        let frame = codec::encode(&reply).unwrap();
        assert!(frame.len() <= MAX_FRAME_BYTES);
        assert!(codec::decode::<ReplyEnvelope>(&frame).is_ok());
        let most = MAX_FRAME_BYTES / 100 * 99;
        assert!(frame.len() > most, "and waste little of it");
    }

    #[test]
    fn as_many_vectors_as_allowed_fit_into_a_line() {
        // The longest value of f32.
        let reply = largest_reply(ReplyForm::Json, -1.175_494_4e-38);
        let line = reply_line(None, &Ok(reply)).unwrap();
        assert!(line.len() <= MAX_FRAME_BYTES);
        let most = MAX_FRAME_BYTES / 100 * 90;
        assert!(line.len() > most, "and waste little of it");
    }
}
