//! The rest of a body that nobody has read.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::progress::Linger;
use crate::serve::admission::SMALL_BYTES;

/// Place to which a lent body returns if it is dropped before its end.
#[derive(Clone, Default)]
pub(super) struct RestOfBody(Arc<Mutex<Option<Body>>>);

impl RestOfBody {
    /// Lends a body.
    pub(super) fn lend(&self, body: Body) -> Body {
        Body::new(Lent {
            body: Some(body),
            place: self.clone(),
        })
    }

    /// The rest of the body, if nobody has read it to its end.
    pub(super) fn take(&self) -> Option<Body> {
        self.place().take()
    }

    fn place(&self) -> MutexGuard<'_, Option<Body>> {
        // Replaced as a whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wait for the rest of a short body, which has mostly arrived with its head.
const SHORT_WAIT: Duration = Duration::from_millis(100);

/// Reads a body and throws it away. Returns false if that takes more than a moment: it then goes on
/// for a while, and the connection must end with it. Some systems reset a connection that is closed
/// with bytes unread, and its client then loses the reply.
pub(super) async fn discard(mut body: Body, linger: Linger, limit: Duration) -> bool {
    let is_short = |bytes| bytes <= SMALL_BYTES as u64;
    if body.size_hint().upper().is_some_and(is_short)
        && let Ok(ended) = timeout(SHORT_WAIT, read_to_end(&mut body)).await
    {
        return ended;
    }
    tokio::spawn(async move {
        // Either way the connection ends with it.
        drop(timeout(limit, read_to_end(&mut body)).await);
        drop(linger);
    });
    false
}

/// Reads a body to its end; returns false if it is broken.
async fn read_to_end(body: &mut Body) -> bool {
    loop {
        match body.frame().await {
            Some(Ok(_)) => {}
            Some(Err(_)) => return false,
            None => return true,
        }
    }
}

/// A lent body.
struct Lent {
    /// `Some` until its end or the drop of this value.
    body: Option<Body>,
    place: RestOfBody,
}

impl http_body::Body for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if frame.is_none() {
            // A body in chunks does not tell its end in another way.
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|body| !body.is_end_stream());
        *self.place.place() = rest;
    }
}
