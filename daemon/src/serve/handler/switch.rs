//! Another model from now on.

use std::sync::Arc;

use gte_shared::wire::{ErrorCode, ErrorReply, Reply};

use super::{Outcome, Service};

/// Requests go on being answered with the model that is there until the other one is loaded.
pub(super) async fn answer(service: &Service, name: String) -> Outcome {
    let _one_at_a_time = service.switching.lock().await;
    let models = Arc::clone(&service.models);
    let switched = tokio::task::spawn_blocking(move || models.switch(&name)).await;
    let loaded = switched
        .map_err(|_| ErrorReply::new(ErrorCode::Internal, "loading the model panicked"))?
        .map_err(|words| ErrorReply::new(ErrorCode::Model, words))?;
    let model = loaded.model.clone();
    tracing::info!(model = model.id, "another model answers");
    service.replace(loaded);
    Ok(Reply::Using(model))
}
