//! The paths of Function Compute.

use std::time::Duration;

use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Extension, Router};

use super::invoke::invoke;
use crate::serve::http::connection::Connection;

/// Longest wait of an instance that is to be frozen or ended for the shared cache.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(1);

/// Hooks of an instance's life.
pub(in crate::serve::http) fn hooks() -> Router {
    Router::new()
        .route("/initialize", post(initialize))
        .route("/pre-freeze", get(settle))
        .route("/pre-stop", get(settle))
}

/// The path of events.
pub(in crate::serve::http) fn events() -> Router {
    Router::new().route("/invoke", post(invoke))
}

/// Answers at once: the port is open since the model answers.
async fn initialize() -> StatusCode {
    StatusCode::OK
}

/// Answers when nothing is left to save.
async fn settle(Extension(connection): Extension<Connection>) -> StatusCode {
    connection.service.settle(SETTLE_TIMEOUT).await;
    StatusCode::OK
}
