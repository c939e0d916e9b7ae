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
    guarded(access).layer(from_fn(observe))
}

/// Routes behind rules of access, and those that Function Compute calls.
pub(super) fn routes_in_fc(access: &Arc<Access>) -> Router {
    let routes = guarded(access).merge(fc::routes());
    routes
        .layer(from_fn(observe))
        .layer(from_fn(fc::log_invocation))
}

fn guarded(access: &Arc<Access>) -> Router {
    let routes = routes().layer(from_fn_with_state(Arc::clone(access), guard));
    match cors(access.origins()) {
        Some(cors) => routes.layer(cors),
        None => routes,
    }
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
