//! `GET /metrics`: the counters of the service, in the text format of Prometheus.

use std::sync::Arc;

use axum::Extension;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use gte_shared::wire::{ErrorCode, ErrorReply};
use prometheus_client::encoding::prometheus_text::encode;
use prometheus_client::registry::Registry;

use super::super::connection::Connection;
use super::super::failure::Failure;
use super::readings::Readings;
use crate::serve::service::Service;

/// Prefix of all names.
const PREFIX: &str = "gte";

/// Answers with all counters.
pub(in crate::serve::http) async fn metrics(
    Extension(connection): Extension<Connection>,
) -> Result<Response, Failure> {
    let service = &connection.service;
    let mut registry = Registry::with_prefix(PREFIX);
    register(&mut registry, service);
    registry.register_collector(Box::new(Readings(Arc::clone(service))));
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|_| {
        Failure::from(ErrorReply::new(
            ErrorCode::Internal,
            "the metrics cannot be written",
        ))
    })?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

/// Registers what is counted as it happens.
fn register(registry: &mut Registry, service: &Service) {
    let metrics = service.metrics();
    let http = &metrics.http;
    registry.register("http_requests", "HTTP requests", http.requests.clone());
    registry.register(
        "http_request_duration_seconds",
        "Time of HTTP requests, from their head to that of the reply",
        http.times.clone(),
    );
    registry.register(
        "http_requests_in_flight",
        "HTTP requests at work",
        http.in_flight.clone(),
    );
    registry.register(
        "http_rate_limited",
        "HTTP requests over the rate of their caller",
        http.rate_limited.clone(),
    );
    registry.register(
        "http_connections",
        "Open HTTP connections",
        http.connections.clone(),
    );
    registry.register(
        "http_connections_limit",
        "Most HTTP connections",
        http.connections_limit.clone(),
    );
    registry.register(
        "requests",
        "Requests of all protocols",
        metrics.requests.clone(),
    );
    registry.register(
        "request_duration_seconds",
        "Time of answered requests of all protocols",
        metrics.times.clone(),
    );
    registry.register("texts", "Texts of answered requests", metrics.texts.clone());
    registry.register(
        "tokens",
        "Tokens that the model has read",
        metrics.tokens.clone(),
    );
    registry.register(
        "truncated_texts",
        "Texts of which a part was not read",
        metrics.truncated_texts.clone(),
    );
    registry.register(
        "unknown_tokens",
        "Tokens that the model does not know",
        metrics.unknown_tokens.clone(),
    );
    registry.register(
        "cold_starts",
        "Loads of a model that a request or the start waited for",
        metrics.cold_starts.clone(),
    );
    registry.register(
        "model_load_seconds",
        "Time of the last load of a model",
        metrics.load_seconds.clone(),
    );
}
