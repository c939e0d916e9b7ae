//! `GET /info`: the model and the limits of requests.

use axum::Extension;
use axum::response::Response;
use gte_shared::VERSION;
use gte_shared::wire::Truncation;
use serde_json::json;

use super::super::connection::Connection;
use super::super::exchange::to_json;
use super::super::failure::Failure;
use super::super::reply_body::json_reply;
use crate::serve::context::ReplyForm;
use crate::serve::handler::most_vectors_in_reply;

/// Most texts that clients are told to send at a time: so many keep all cores busy, and none waits
/// for long.
const BATCH_TEXTS: usize = 256;

/// Answers with what that program tells of itself.
pub(in crate::serve::http) async fn info(
    Extension(connection): Extension<Connection>,
) -> Result<Response, Failure> {
    let selected = connection.service.selected();
    let model = &selected.model;
    let most = most_vectors_in_reply(ReplyForm::Json, model.dimension as usize);
    let batch = most.min(BATCH_TEXTS);
    let info = json!({
        "model_id": model.id,
        "served_model_name": model.id,
        "model_sha": null,
        "model_dtype": model.precision.name(),
        "model_type": { "embedding": { "pooling": model.pooling.name() } },
        "max_concurrent_requests": connection.service.limits().connections,
        "max_input_length": model.max_tokens,
        "max_batch_tokens": batch * model.max_tokens as usize,
        "max_client_batch_size": batch,
        "max_batch_requests": null,
        "auto_truncate": model.rules.truncation != Truncation::Error,
        "tokenization_workers": 1,
        "version": VERSION,
        "sha": null,
        "docker_label": null,
    });
    Ok(json_reply(to_json(&info)?, None))
}
