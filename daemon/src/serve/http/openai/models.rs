//! `GET /v1/models`: the models that requests may name.

use std::sync::Arc;

use axum::Extension;
use axum::response::Response;
use gte_shared::wire::{ErrorCode, ErrorReply};
use serde::Serialize;

use super::super::connection::Connection;
use super::super::exchange::to_json;
use super::super::failure::Failure;
use super::super::reply_body::json_reply;

#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<Model>,
}

#[derive(Serialize)]
struct Model {
    id: String,
    object: &'static str,
    owned_by: &'static str,
}

/// Answers with the names of models, the selected one first.
pub(in crate::serve::http) async fn models(
    Extension(connection): Extension<Connection>,
) -> Result<Response, Failure> {
    let models = Arc::clone(connection.service.models());
    let names = tokio::task::spawn_blocking(move || models.names()).await;
    let names =
        names.map_err(|_| ErrorReply::new(ErrorCode::Internal, "listing the models panicked"))?;
    let selected = connection.service.selected().model.id.clone();
    let others = names.into_iter().filter(|name| *name != selected);
    let all = std::iter::once(selected.clone()).chain(others);
    let model = |id| Model {
        id,
        object: "model",
        owned_by: "gte",
    };
    let list = List {
        object: "list",
        data: all.map(model).collect(),
    };
    Ok(json_reply(to_json(&list)?, None))
}
