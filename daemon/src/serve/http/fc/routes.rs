//! The paths of Function Compute.

use axum::Router;
use axum::routing::{get, post};

use super::{hooks, invoke};

/// Routes that ask for no token: Function Compute has let the caller in.
pub(in crate::serve::http) fn routes() -> Router {
    Router::new()
        .route("/initialize", post(hooks::succeed))
        .route("/pre-freeze", get(hooks::succeed))
        .route("/pre-stop", get(hooks::succeed))
        .route("/invoke", post(invoke::invoke))
}
