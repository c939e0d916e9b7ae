//! `POST /api/explain`: what the words of two sentences have to do with their similarity.

use axum::Extension;
use axum::body::Body;
use axum::extract::RawQuery;
use axum::response::Response;
use gte_shared::wire::Explain;

use super::super::connection::Connection;
use super::super::failure::Failure;
use super::answer::answer;
use super::pair::Pair;

/// Answers with the score of a pair, and of each word its part in it.
pub(in crate::serve::http) async fn explain(
    Extension(connection): Extension<Connection>,
    RawQuery(query): RawQuery,
    body: Body,
) -> Result<Response, Failure> {
    answer(
        &connection,
        query.as_deref(),
        body,
        |bytes, score, models| {
            let Pair { a, b, options } = Pair::decode(bytes, score, models)?;
            Ok(Explain { a, b, options }.into())
        },
    )
    .await
}
