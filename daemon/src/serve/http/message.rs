//! Reading of the bodies of requests.

use axum::body::Body;
use axum::http::StatusCode;
use gte_shared::wire::frame::least_rate_time;
use gte_shared::wire::{ErrorCode, ErrorReply, MAX_FRAME_BYTES};
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use super::connection::Connection;
use super::failure::Failure;
use crate::serve::admission::{Admitted, SMALL_BYTES};

/// A body, and its room among the messages that are read, if it is long.
pub(super) struct Message {
    pub(super) bytes: Vec<u8>,
    pub(super) reading: Option<Admitted>,
}

impl Message {
    /// Reads the body of a request. It may pause for the stall timeout; a long one waits for room,
    /// and must then arrive at the least rate.
    ///
    /// # Errors
    ///
    /// If it is too large, its client too slow, or the daemon ends.
    pub(super) async fn read(connection: &Connection, mut body: Body) -> Result<Self, Failure> {
        if connection.service.is_stopping() {
            return Err(stopping());
        }
        let stated = body.size_hint().exact();
        let stated = stated.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        if stated.is_some_and(|bytes| bytes > MAX_FRAME_BYTES) {
            return Err(too_large());
        }
        let _reading = connection.read_body();
        // The longest body, if nobody knows how long this one will be.
        let longest = stated.unwrap_or(MAX_FRAME_BYTES);
        let stall_timeout = connection.service.limits().stall_timeout;
        let mut bytes = Vec::new();
        let mut reading: Option<Admitted> = None;
        let mut deadline = Instant::now() + stall_timeout + least_rate_time(SMALL_BYTES);
        loop {
            let is_long = stated.unwrap_or(bytes.len()) > SMALL_BYTES;
            if is_long && reading.is_none() {
                reading = Some(connection.share.to_read_in_time(longest).await?);
                deadline = Instant::now() + stall_timeout + least_rate_time(longest);
                bytes.reserve_exact(stated.unwrap_or_default());
            }
            let pause = deadline.min(Instant::now() + stall_timeout);
            let frame = timeout_at(pause, body.frame())
                .await
                .map_err(|_| too_slow())?;
            let Some(frame) = frame else { break };
            // The client has gone, or what it sent is not HTTP; it reads no reply either way.
            let frame = frame.map_err(|_| Failure::bad_request("the body is broken").closing())?;
            let Ok(data) = frame.into_data() else {
                // Trailers say nothing to any route.
                continue;
            };
            if bytes.len() + data.len() > MAX_FRAME_BYTES {
                return Err(too_large());
            }
            bytes.extend_from_slice(&data);
        }
        if let Some(reading) = &mut reading {
            reading.shrink(bytes.len());
        }
        Ok(Self { bytes, reading })
    }
}

/// Refusal of a daemon that ends.
fn stopping() -> Failure {
    let message = "the daemon is ending";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", message).closing()
}

fn too_slow() -> Failure {
    let message = "the body of the request did not arrive in time";
    Failure::new(StatusCode::REQUEST_TIMEOUT, "timeout", message).closing()
}

fn too_large() -> Failure {
    let message = format!("the body is over the limit of {MAX_FRAME_BYTES} bytes");
    let error = ErrorReply::new(ErrorCode::TooLarge, message);
    error.with_hint("send it in several requests").into()
}
