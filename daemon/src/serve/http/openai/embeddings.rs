//! `POST /v1/embeddings`: the vectors of texts, as OpenAI's API has it
//! (<https://platform.openai.com/docs/api-reference/embeddings>).

use axum::Extension;
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use gte_shared::wire::{Computed, Embed, Embedding, Reply, TextOptions};
use serde::{Deserialize, Serialize, Serializer};

use super::super::connection::Connection;
use super::super::dimensions::check_dimensions;
use super::super::exchange::{Decoded, decode, exchange, to_json, unexpected};
use super::super::failure::Failure;
use super::super::inputs::Inputs;
use crate::serve::context::ReplyForm;

/// Body of the request. Other fields are ignored, as OpenAI's servers and clients expect.
#[derive(Deserialize)]
struct Body {
    input: Option<Inputs>,
    model: Option<String>,
    encoding_format: Option<Encoding>,
    dimensions: Option<u32>,
}

/// Form of the vectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    /// Numbers.
    #[default]
    Float,
    /// The bytes of f32 values, the least significant first.
    Base64,
}

#[derive(Serialize)]
struct ReplyBody<'a> {
    object: &'static str,
    data: Vec<Entry<'a>>,
    model: &'a str,
    usage: Usage,
}

#[derive(Serialize)]
struct Entry<'a> {
    object: &'static str,
    index: usize,
    embedding: Vector<'a>,
}

struct Vector<'a>(&'a [f32], Encoding);

#[derive(Serialize)]
struct Usage {
    prompt_tokens: u64,
    total_tokens: u64,
}

impl Serialize for Vector<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.1 {
            Encoding::Float => self.0.serialize(serializer),
            Encoding::Base64 => {
                let bytes: Vec<u8> = self
                    .0
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect();
                serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
            }
        }
    }
}

/// Answers with the vectors of texts.
pub(in crate::serve::http) async fn embeddings(
    Extension(connection): Extension<Connection>,
    body: axum::body::Body,
) -> Result<Response, Failure> {
    exchange(
        &connection,
        body,
        |bytes, models| {
            let body: Body = decode(bytes)?;
            let inputs = body
                .input
                .ok_or_else(|| Failure::bad_request("Missing input"))?;
            let options = TextOptions {
                model: body.model.and_then(|name| models.resolve(&name)),
                ..TextOptions::default()
            };
            let texts = inputs.texts()?;
            let encoding = body.encoding_format.unwrap_or_default();
            let form = match encoding {
                Encoding::Float => ReplyForm::Json,
                Encoding::Base64 => ReplyForm::Base64,
            };
            let request = Embed { texts, options };
            Ok(Decoded::new(request, form, (encoding, body.dimensions)))
        },
        |reply, (encoding, dimensions)| {
            let Reply::Embeddings(computed) = reply else {
                return Err(unexpected());
            };
            check_dimensions(&computed.model, dimensions)?;
            encode(&computed, encoding)
        },
    )
    .await
}

fn encode(computed: &Computed<Vec<Embedding>>, encoding: Encoding) -> Result<Vec<u8>, Failure> {
    let tokens = computed
        .result
        .iter()
        .map(|of| u64::from(of.text.tokens))
        .sum();
    let embeddings = computed.result.iter().enumerate();
    let data = embeddings.map(|(index, of)| Entry {
        object: "embedding",
        index,
        embedding: Vector(&of.vector, encoding),
    });
    to_json(&ReplyBody {
        object: "list",
        data: data.collect(),
        model: &computed.model.id,
        usage: Usage {
            prompt_tokens: tokens,
            total_tokens: tokens,
        },
    })
}
