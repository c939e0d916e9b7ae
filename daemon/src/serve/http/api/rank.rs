//! `POST /api/rank`: texts in the order of their similarity to a query.

use axum::Extension;
use axum::extract::RawQuery;
use axum::response::Response;
use gte_shared::score::ScoreKind;
use gte_shared::wire::{Rank, TextOptions, TextSteps, Truncation};
use serde::Deserialize;

use super::super::connection::Connection;
use super::super::exchange::decode;
use super::super::failure::Failure;
use super::answer::answer;
use super::score_query::one_score;

/// Body of the request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    query: Option<String>,
    texts: Option<Vec<String>>,
    score: Option<ScoreKind>,
    model: Option<String>,
    text_steps: Option<TextSteps>,
    truncation: Option<Truncation>,
}

/// Answers with texts, best first.
pub(in crate::serve::http) async fn rank(
    Extension(connection): Extension<Connection>,
    RawQuery(query): RawQuery,
    body: axum::body::Body,
) -> Result<Response, Failure> {
    answer(
        &connection,
        query.as_deref(),
        body,
        |bytes, score, models| {
            let body: Body = decode(bytes)?;
            let options = TextOptions {
                text_steps: body.text_steps,
                truncation: body.truncation,
                score: one_score(score, body.score)?,
                model: body.model.and_then(|name| models.resolve(&name)),
            };
            let (Some(query), Some(texts)) = (body.query, body.texts) else {
                return Err(Failure::bad_request("Missing query or texts"));
            };
            let request = Rank {
                query,
                texts,
                options,
            };
            Ok(request.into())
        },
    )
    .await
}
