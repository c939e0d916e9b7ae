//! Headers of Function Compute.

use axum::http::{HeaderMap, HeaderName};

/// Header of the kind of a call.
const CONTROL_PATH: HeaderName = HeaderName::from_static("x-fc-control-path");

/// Header of an invocation's id.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-fc-request-id");

/// Header of a reply that tells whether an event was handled.
pub(super) const STATUS: HeaderName = HeaderName::from_static("x-fc-status");

/// Kind of a call of an event.
pub(super) const EVENT: &str = "/invoke";

/// Kind of a call of a client over HTTP.
pub(super) const HTTP: &str = "/http-invoke";

/// Most bytes of an id; Function Compute's have 36.
const MAX_ID_BYTES: usize = 128;

/// Kind of a call. Several values are none: a client may have sent one of them.
pub(super) fn control_path(headers: &HeaderMap) -> Option<&str> {
    let mut kinds = headers.get_all(CONTROL_PATH).iter();
    let kind = kinds.next()?.to_str().ok()?;
    kinds.next().is_none().then_some(kind)
}

/// Id of an invocation, if it is one that may stand in a log.
pub(super) fn request_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (id.len() <= MAX_ID_BYTES && id.bytes().all(is_plain)).then_some(id)
}
