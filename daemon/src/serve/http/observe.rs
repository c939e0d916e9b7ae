//! Common parts of all replies: the request's id, the body of a refusal, the access log.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Extension;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;

use super::caller_name::CallerName;
use super::connection::Connection;
use super::dialect::Dialect;
use super::failure::{Failure, RATE_LIMITED};
use super::rest_of_body::{RestOfBody, discard};
use crate::serve::metrics::{HttpOutcome, Route};
use crate::serve::service::Service;

/// Header of a request's id, which proxies set and pass on.
pub(in crate::serve) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Most bytes of an id that is taken from a request: those of other programs have 36 to 60.
const MAX_ID_BYTES: usize = 128;

/// Status of a request whose client has gone, in log and metrics, as nginx has it.
const CLIENT_GONE: u16 = 499;

/// Answers a request by the rest of the router.
pub(super) async fn observe(
    Extension(connection): Extension<Connection>,
    request: Request,
    next: Next,
) -> Response {
    let mut record = Record::begin(&connection, &request);
    let dialect = Dialect::of(request.uri().path());
    let rest = RestOfBody::default();
    let request = request.map(|body| rest.lend(body));
    let mut reply = next.run(request).await;
    if let Some(mut failure) = reply.extensions_mut().remove::<Failure>() {
        record.code = Some(failure.code);
        if let Some(body) = rest.take() {
            let limit = connection.service.limits().stall_timeout;
            if !discard(body, connection.linger(), limit).await {
                failure = failure.closing();
            }
        }
        let headers = std::mem::take(reply.headers_mut());
        reply = failure.reply(dialect);
        for (name, value) in &headers {
            // Those of CORS, which a page needs to read the error.
            if !reply.headers().contains_key(name) {
                reply.headers_mut().append(name, value.clone());
            }
        }
    }
    record.caller = reply.extensions_mut().remove::<CallerName>();
    record.status = reply.status().as_u16();
    reply.headers_mut().insert(REQUEST_ID, record.id.clone());
    reply
}

/// Record of a request, which is logged and counted when it is dropped: also if its client goes.
struct Record {
    service: Arc<Service>,
    start: Instant,
    id: HeaderValue,
    route: Arc<str>,
    method: &'static str,
    address: Option<IpAddr>,
    status: u16,
    code: Option<&'static str>,
    caller: Option<CallerName>,
}

impl Record {
    fn begin(connection: &Connection, request: &Request) -> Self {
        connection.service.metrics().http.in_flight.inc();
        // The path of a request that no route has may hold anything.
        let route = request.extensions().get::<MatchedPath>();
        Self {
            service: Arc::clone(&connection.service),
            start: Instant::now(),
            id: given_id(request.headers()).unwrap_or_else(new_id),
            route: route.map_or("none", MatchedPath::as_str).into(),
            method: name_of(request.method()),
            address: connection.address,
            status: CLIENT_GONE,
            code: None,
            caller: None,
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let elapsed = self.start.elapsed();
        let http = &self.service.metrics().http;
        http.in_flight.dec();
        let of_route = Route {
            route: Arc::clone(&self.route),
        };
        let times = http.times.get_or_create(&of_route);
        times.observe(elapsed.as_secs_f64());
        let outcome = HttpOutcome {
            route: Arc::clone(&self.route),
            method: self.method,
            status: self.status,
        };
        http.requests.get_or_create(&outcome).inc();
        if self.code == Some(RATE_LIMITED) {
            http.rate_limited.inc();
        }
        let logs = self.service.started_by().logs_http();
        if !logs && !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        tracing::info!(
            id = self.id.to_str().unwrap_or_default(),
            method = self.method,
            route = &*self.route,
            status = self.status,
            code = self.code,
            caller = self.caller.as_ref().map(CallerName::as_str),
            address = self.address.map(tracing::field::display),
            micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
            "http request"
        );
    }
}

/// Name of a method; those that no route has share one.
fn name_of(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
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
