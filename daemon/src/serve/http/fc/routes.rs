//! The paths of Function Compute.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};

use super::invoke::invoke;

/// Hooks of an instance's life.
pub(in crate::serve::http) fn hooks() -> Router {
    Router::new()
        .route("/initialize", post(succeed))
        .route("/pre-freeze", get(succeed))
        .route("/pre-stop", get(succeed))
}

/// The path of events.
pub(in crate::serve::http) fn events() -> Router {
    Router::new().route("/invoke", post(invoke))
}

/// Answers a hook: the port is open since the model answers, and nothing is left to save.
async fn succeed() -> StatusCode {
    StatusCode::OK
}
