//! Decoding of requests and encoding of replies.

use gte_shared::wire::{Embed, Rank, Reply, Request};
use serde::Deserialize;

use super::super::dimensions::check_dimensions;
use super::super::exchange::{Decoded, decode, to_json, unexpected};
use super::super::failure::Failure;
use super::super::inputs::Inputs;
use super::options::Options;
use crate::serve::context::ReplyForm;

/// Kind of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Vectors of texts.
    Embed,
    /// Cosines of sentences to another one.
    Similarity,
    /// Either of them, as its inputs are.
    Any,
}

#[derive(Deserialize)]
struct Body {
    inputs: Option<AnyInputs>,
    parameters: Option<Options>,
    #[serde(flatten)]
    options: Options,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum AnyInputs {
    Pair {
        source_sentence: String,
        sentences: Vec<String>,
    },
    Texts(Inputs),
}

/// Decodes a request; beside it, the number of values per vector that it asks for.
pub(super) fn decode_inputs(bytes: &[u8], kind: Kind) -> Result<Decoded<Option<u32>>, Failure> {
    let body: Body = decode(bytes)?;
    let inputs = body
        .inputs
        .ok_or_else(|| Failure::bad_request("Missing inputs"))?;
    let options = body.options.merge(body.parameters.unwrap_or_default())?;
    let of_texts = options.of_texts()?;
    let request: Request = match inputs {
        AnyInputs::Pair {
            source_sentence,
            sentences,
        } if kind != Kind::Embed => {
            let request = Rank {
                query: source_sentence,
                texts: sentences,
                options: of_texts,
            };
            request.into()
        }
        AnyInputs::Texts(texts) if kind != Kind::Similarity => {
            let request = Embed {
                texts: texts.texts()?,
                options: of_texts,
            };
            request.into()
        }
        _ => {
            let message = "the inputs are not those of this route";
            return Err(Failure::bad_request(message)
                .with_hint("/embed takes texts, and /similarity a source_sentence and sentences"));
        }
    };
    Ok(Decoded::new(request, ReplyForm::Json, options.dimensions))
}

/// Encodes vectors, or the cosines of sentences in their order.
pub(super) fn encode(reply: Reply, dimensions: Option<u32>) -> Result<Vec<u8>, Failure> {
    match reply {
        Reply::Embeddings(computed) => {
            check_dimensions(&computed.model, dimensions)?;
            let vectors: Vec<_> = computed.result.iter().map(|of| &of.vector).collect();
            to_json(&vectors)
        }
        Reply::Ranking(computed) => {
            check_dimensions(&computed.model, dimensions)?;
            let mut hits = computed.result.hits;
            hits.sort_by_key(|hit| hit.index);
            let cosines: Vec<f32> = hits.iter().map(|hit| hit.cosine).collect();
            to_json(&cosines)
        }
        _ => Err(unexpected()),
    }
}
