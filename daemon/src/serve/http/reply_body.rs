//! Bodies of replies, with the memory and the connection that they hold.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::progress::Hold;
use crate::serve::admission::Admitted;

/// Bytes of a reply, and the memory that they take until they are written.
struct Held {
    bytes: Vec<u8>,
    _admitted: Option<Admitted>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A reply of JSON, whose memory is given back when it has been written.
pub(super) fn json_reply(bytes: Vec<u8>, admitted: Option<Admitted>) -> Response {
    let held = Held {
        bytes,
        _admitted: admitted,
    };
    let mut reply = Response::new(Body::from(Bytes::from_owner(held)));
    let json = HeaderValue::from_static("application/json");
    reply.headers_mut().insert(CONTENT_TYPE, json);
    reply
}

/// A body until whose end its request is at work.
pub(super) struct Tracked {
    body: Body,
    _hold: Hold,
}

impl Tracked {
    pub(super) fn new(body: Body, hold: Hold) -> Self {
        Self { body, _hold: hold }
    }
}

impl http_body::Body for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
