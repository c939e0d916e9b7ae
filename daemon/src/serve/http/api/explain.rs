//! `POST /api/explain`: what the words of two sentences have to do with their similarity.

use axum::Extension;
use axum::body::Body;
use axum::extract::RawQuery;
use axum::response::Response;
use gte_shared::wire::Explain;

use super::super::connection::Connection;
use super::super::exchange::{Decoded, exchange};
use super::super::failure::Failure;
use super::pair::{Pair, encode};
use super::score_query::score_of;
use crate::serve::context::ReplyForm;

/// Answers with the score of a pair, and of each word its part in it.
pub(in crate::serve::http) async fn explain(
    Extension(connection): Extension<Connection>,
    RawQuery(query): RawQuery,
    body: Body,
) -> Result<Response, Failure> {
    let score = score_of(query.as_deref())?;
    exchange(
        &connection,
        body,
        move |bytes, models| {
            let Pair { a, b, options } = Pair::decode(bytes, score, models)?;
            let request = Explain { a, b, options };
            Ok(Decoded::new(request, ReplyForm::Json, ()))
        },
        |reply, ()| encode(reply),
    )
    .await
}
