//! Common parts of all replies: the request's id, the body of a refusal, the access log.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::metrics::gauge::Gauge;
use tokio::time::Instant;

use super::caller_name::CallerName;
use super::connection::Connection;
use super::dialect::Dialect;
use super::failure::{Failure, RATE_LIMITED};
use crate::serve::metrics::{HttpOutcome, Route};

/// Header of a request's id, which proxies set and pass on.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Most bytes of an id that is taken from a request: those of other programs have 36 to 60.
const MAX_ID_BYTES: usize = 128;

/// Answers a request by the rest of the router.
pub(super) async fn observe(request: Request, next: Next) -> Response {
    let start = Instant::now();
    let id = given_id(request.headers()).unwrap_or_else(new_id);
    let connection = request.extensions().get::<Connection>().cloned();
    // The path of a request that no route has may hold anything.
    let route = request.extensions().get::<MatchedPath>();
    let route: Arc<str> = route.map_or("none", MatchedPath::as_str).into();
    let method = name_of(request.method());
    let dialect = Dialect::of(request.uri().path());
    let mut reply = {
        let _in_flight = connection.as_ref().map(InFlight::begin);
        next.run(request).await
    };
    let failure = reply.extensions_mut().remove::<Failure>();
    let code = failure.as_ref().map(|failure| failure.code);
    if let Some(failure) = failure {
        let headers = std::mem::take(reply.headers_mut());
        reply = failure.reply(dialect);
        for (name, value) in &headers {
            // Those of CORS, which a page needs to read the error.
            if !reply.headers().contains_key(name) {
                reply.headers_mut().append(name, value.clone());
            }
        }
    }
    if let Some(connection) = &connection {
        let http = &connection.service.metrics().http;
        let of_route = Route {
            route: Arc::clone(&route),
        };
        http.times
            .get_or_create(&of_route)
            .observe(start.elapsed().as_secs_f64());
        let outcome = HttpOutcome {
            route: Arc::clone(&route),
            method,
            status: reply.status().as_u16(),
        };
        http.requests.get_or_create(&outcome).inc();
        if code == Some(RATE_LIMITED) {
            http.rate_limited.inc();
        }
    }
    let caller = reply.extensions_mut().remove::<CallerName>();
    tracing::info!(
        id = id.to_str().unwrap_or_default(),
        method,
        route = &*route,
        status = reply.status().as_u16(),
        code,
        caller = caller.as_ref().map(CallerName::as_str),
        address = connection
            .and_then(|connection| connection.address)
            .map(tracing::field::display),
        micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
        "http request"
    );
    reply.headers_mut().insert(REQUEST_ID, id);
    reply
}

/// Name of a method; those that nobody knows have one in common.
fn name_of(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// A request at work, counted until this value is dropped.
struct InFlight(Gauge);

impl InFlight {
    fn begin(connection: &Connection) -> Self {
        let gauge = connection.service.metrics().http.in_flight.clone();
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The id that a request brings, if it is one that may stand in a log.
fn given_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let id = headers.get(REQUEST_ID)?;
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:=/+".contains(byte);
    let bytes = id.as_bytes();
    let usable = (1..=MAX_ID_BYTES).contains(&bytes.len()) && bytes.iter().all(is_plain);
    usable.then(|| id.clone())
}

/// A new id: the time at which the first request came, and the number of this one since.
fn new_id() -> HeaderValue {
    static FIRST: LazyLock<u64> = LazyLock::new(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.map_or(0, |since| since.as_secs())
    });
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let id = format!("{:x}-{number}", *FIRST);
    HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("none"))
}
