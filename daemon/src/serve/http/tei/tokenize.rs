//! `POST /tokenize`: the tokens of texts, with their offsets.

use axum::Extension;
use axum::body::Body;
use axum::response::Response;
use gte_shared::wire::{ErrorCode, ErrorReply, MAX_TEXTS_PER_REQUEST, TextOptions};
use serde::{Deserialize, Serialize};

use super::super::connection::Connection;
use super::super::exchange::{decode, of_model, to_json};
use super::super::failure::Failure;
use super::super::inputs::Inputs;
use super::super::message::Message;
use super::super::reply_body::json_reply;
use crate::engine::ListedToken;
use crate::serve::context::{Context, ReplyForm};
use crate::serve::handler::{self, LIST_BYTES_PER_BYTE};
use crate::serve::offload::offload;

/// Most bytes of the request: every byte may become a token, which takes a hundred in the reply.
const MAX_BYTES: usize = 1 << 20;

#[derive(Deserialize)]
struct RequestBody {
    inputs: Option<Inputs>,
    add_special_tokens: Option<bool>,
}

#[derive(Serialize)]
struct Token<'a> {
    id: u32,
    text: &'a str,
    special: bool,
    start: Option<u32>,
    stop: Option<u32>,
}

impl<'a> From<&'a ListedToken> for Token<'a> {
    fn from(token: &'a ListedToken) -> Self {
        Self {
            id: token.id,
            text: &token.text,
            special: token.place.is_none(),
            start: token.place.map(|(from, _)| from),
            stop: token.place.map(|(_, to)| to),
        }
    }
}

/// Answers with the tokens of each text, none of which is cut.
pub(in crate::serve::http) async fn tokenize(
    Extension(connection): Extension<Connection>,
    body: Body,
) -> Result<Response, Failure> {
    let Message { bytes, reading } = Message::read(&connection, body).await?;
    let length = bytes.len();
    if length > MAX_BYTES {
        let message =
            format!("the body has {length} bytes; the limit of this route is {MAX_BYTES}");
        let error = ErrorReply::new(ErrorCode::TooLarge, message);
        return Err(error.with_hint("send it in several requests").into());
    }
    let body: RequestBody = offload(length, move || decode(&bytes)).await??;
    let inputs = body
        .inputs
        .ok_or_else(|| Failure::bad_request("Missing inputs"))?;
    let texts = inputs.texts()?;
    if texts.len() > MAX_TEXTS_PER_REQUEST {
        return Err(handler::too_many(texts.len(), MAX_TEXTS_PER_REQUEST).into());
    }
    let with_special = body.add_special_tokens.unwrap_or(true);
    let context = Context::new(&connection.service, connection.caller, ReplyForm::Json);
    let weight = length * LIST_BYTES_PER_BYTE;
    let admitted = connection.share.to_work(weight, reading).await?;
    let lists = match handler::list_tokens(&context, texts, &TextOptions::default()).await {
        Ok(lists) => lists,
        Err(error) if error.code == ErrorCode::Model => {
            return Err(of_model(&connection, None, error).await);
        }
        Err(error) => return Err(error.into()),
    };
    let encoded = offload(weight, move || {
        let shown = |token: &&ListedToken| with_special || token.place.is_some();
        let rows = lists
            .iter()
            .map(|tokens| tokens.iter().filter(shown).map(Token::from));
        let rows: Vec<Vec<Token>> = rows.map(Iterator::collect).collect();
        to_json(&rows)
    });
    Ok(json_reply(encoded.await??, Some(admitted)))
}
