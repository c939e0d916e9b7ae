//! The routes.

use std::sync::Arc;

use axum::Router;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Method, Response, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{Predicate, SizeAbove};
use tower_http::cors::CorsLayer;

use super::access::{Access, guard};
use super::failure::Failure;
use super::observe::{REQUEST_ID, observe};
use super::{api, fc, openai, ops, tei};

/// Least bytes of a reply that is compressed: less fits into a packet.
const LEAST_COMPRESSED: u64 = 1024;

/// Most bytes of one, which take some 10 ms of a thread that serves connections. Larger replies are
/// lists of vectors, which hardly become smaller.
const MOST_COMPRESSED: u64 = 1 << 20;

/// Routes for the daemon's own socket, whose permissions are enough.
pub(in crate::serve) fn own_routes() -> Router {
    routes().layer(from_fn(observe))
}

/// Routes behind rules of access.
pub(super) fn guarded_routes(access: &Arc<Access>) -> Router {
    guarded(access, routes()).layer(from_fn(observe))
}

/// Routes behind rules of access, and those that Function Compute calls. Its hooks ask for no
/// token; events do where clients need one, since a client could send the header that marks them.
pub(super) fn routes_in_fc(access: &Arc<Access>) -> Router {
    let routes = guarded(access, routes().merge(fc::events())).merge(fc::hooks());
    routes
        .layer(from_fn(observe))
        .layer(from_fn(fc::log_invocation))
}

fn guarded(access: &Arc<Access>, routes: Router) -> Router {
    let routes = routes.layer(from_fn_with_state(Arc::clone(access), guard));
    match cors(access.origins()) {
        Some(cors) => routes.layer(cors),
        None => routes,
    }
}

/// Paths of the routes.
const PATHS: [&str; 14] = [
    "/api/similarity",
    "/api/rank",
    "/api/explain",
    "/v1/embeddings",
    "/embeddings",
    "/v1/models",
    "/",
    "/embed",
    "/similarity",
    "/tokenize",
    "/info",
    "/health",
    "/metrics",
    "/openapi.json",
];

/// Returns true for a path that has a route.
pub(in crate::serve) fn is_route(path: &str) -> bool {
    PATHS.contains(&path)
}

fn routes() -> Router {
    Router::new()
        .route("/api/similarity", post(api::similarity))
        .route("/api/rank", post(api::rank))
        .route("/api/explain", post(api::explain))
        .route("/v1/embeddings", post(openai::embeddings))
        .route("/embeddings", post(openai::embeddings))
        .route("/v1/models", get(openai::models))
        .route("/", get(ops::page).post(tei::any))
        .route("/embed", post(tei::embed))
        .route("/similarity", post(tei::similarity))
        .route("/tokenize", post(tei::tokenize))
        .route("/info", get(tei::info))
        .route("/health", get(ops::health))
        .route("/metrics", get(ops::metrics))
        .route("/openapi.json", get(ops::openapi))
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(
            CompressionLayer::new()
                .quality(CompressionLevel::Fastest)
                .compress_when(SizeAbove::new(LEAST_COMPRESSED).and(AtMost(MOST_COMPRESSED))),
        )
}

/// Replies of at most so many bytes.
#[derive(Clone, Copy)]
struct AtMost(u64);

impl Predicate for AtMost {
    fn should_compress<B: http_body::Body>(&self, reply: &Response<B>) -> bool {
        reply.body().size_hint().lower() <= self.0
    }
}

/// Answers of web pages of these origins may be read by them.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|of| of.parse().ok()).collect();
    if origins.is_empty() {
        return None;
    }
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, REQUEST_ID])
        .expose_headers([RETRY_AFTER, REQUEST_ID]);
    Some(layer)
}

async fn not_found() -> Failure {
    let failure = Failure::new(StatusCode::NOT_FOUND, "not_found", "nothing has this path");
    failure.with_hint("GET /openapi.json lists them")
}

async fn wrong_method() -> Failure {
    let message = "the route has another method";
    let failure = Failure::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        message,
    );
    failure.with_hint("GET /openapi.json lists them")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_paths_are_those_of_the_description() {
        let openapi = include_str!("../../../assets/openapi.json");
        let openapi: serde_json::Value = serde_json::from_str(openapi).unwrap();
        let described = openapi["paths"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str);
        assert_eq!(described.collect::<BTreeSet<_>>(), BTreeSet::from(PATHS));
    }
}
