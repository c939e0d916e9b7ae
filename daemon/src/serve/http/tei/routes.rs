//! `POST /embed`, `POST /similarity`, and `POST /`, which is either of them.

use axum::Extension;
use axum::body::Body;
use axum::response::Response;

use super::super::connection::Connection;
use super::super::exchange::exchange;
use super::super::failure::Failure;
use super::inputs::{Kind, decode_inputs, encode};

/// Answers with the vectors of texts.
pub(in crate::serve::http) async fn embed(
    Extension(connection): Extension<Connection>,
    body: Body,
) -> Result<Response, Failure> {
    answer(&connection, body, Kind::Embed).await
}

/// Answers with the cosines of sentences to another one, in their order.
pub(in crate::serve::http) async fn similarity(
    Extension(connection): Extension<Connection>,
    body: Body,
) -> Result<Response, Failure> {
    answer(&connection, body, Kind::Similarity).await
}

/// Answers with vectors or cosines, as the inputs are: Hugging Face's client sends both here.
pub(in crate::serve::http) async fn any(
    Extension(connection): Extension<Connection>,
    body: Body,
) -> Result<Response, Failure> {
    answer(&connection, body, Kind::Any).await
}

async fn answer(connection: &Connection, body: Body, kind: Kind) -> Result<Response, Failure> {
    let decode =
        move |bytes: &[u8], _: &dyn crate::serve::selected::Models| decode_inputs(bytes, kind);
    exchange(connection, body, decode, encode).await
}
