//! `GET /openapi.json`: the description of the routes.

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

/// The description (OpenAPI 3.1).
const OPENAPI: &str = include_str!("../../../../assets/openapi.json");

/// Answers with the description.
pub(in crate::serve::http) async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], OPENAPI)
}
