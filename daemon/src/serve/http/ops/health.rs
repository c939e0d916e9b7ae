//! `GET /health`: the state of the service, for load balancers.

use axum::Extension;
use axum::http::StatusCode;

use super::super::connection::Connection;

/// Answers at once with 200, or with 503 from a daemon that ends. An unloaded model is loaded for
/// the next request, not for this one.
pub(in crate::serve::http) async fn health(
    Extension(connection): Extension<Connection>,
) -> StatusCode {
    if connection.service.is_stopping() {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    }
}
