//! `POST /api/similarity`: the similarity of two sentences.

use axum::Extension;
use axum::body::Body;
use axum::extract::RawQuery;
use axum::response::Response;
use gte_shared::wire::Similarity;

use super::super::connection::Connection;
use super::super::failure::Failure;
use super::answer::answer;
use super::pair::Pair;

/// Answers with the score of a pair.
pub(in crate::serve::http) async fn similarity(
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
            Ok(Similarity { a, b, options }.into())
        },
    )
    .await
}
