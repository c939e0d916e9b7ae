//! The way of a request of this API, whose replies are those of JSON lines.

use axum::body::Body;
use axum::response::Response;
use gte_shared::score::ScoreKind;
use gte_shared::wire::{Request, json};

use super::super::connection::Connection;
use super::super::exchange::{Decoded, exchange, unwritable};
use super::super::failure::Failure;
use super::score_query::score_of;
use crate::serve::context::ReplyForm;
use crate::serve::selected::Models;

/// Answers a request, which `decode` makes of its body and of the score that its URL names.
pub(super) async fn answer(
    connection: &Connection,
    query: Option<&str>,
    body: Body,
    decode: impl FnOnce(&[u8], Option<ScoreKind>, &dyn Models) -> Result<Request, Failure>
    + Send
    + 'static,
) -> Result<Response, Failure> {
    let score = score_of(query)?;
    exchange(
        connection,
        body,
        move |bytes, models| {
            let request = decode(bytes, score, models)?;
            Ok(Decoded::new(request, ReplyForm::Json, ()))
        },
        |reply, ()| json::reply_line(None, &Ok(reply)).map_err(|_| unwritable()),
    )
    .await
}
