//! HTTP on the daemon's own socket.

use std::sync::Arc;

use axum::Router;
use gte_shared::wire::ErrorReply;
use gte_shared::wire::json::reply_line;
use tokio::io::{AsyncRead, join};
use tokio::time::sleep;

use super::connection::Connection;
use super::http1::HalfClosed;
use super::progress::Progress;
use crate::serve::error::SessionError;
use crate::serve::peer::{LOOK_INTERVAL, Peer};
use crate::serve::service::Service;
use crate::serve::stream::ReplyWriter;

/// Answers requests until the client closes its side or the daemon stops. `reader` begins with what
/// has been read of the first one.
pub(in crate::serve) async fn serve(
    reader: impl AsyncRead + Unpin + Send,
    peer: &Peer,
    service: &Arc<Service>,
    router: Router,
) -> Result<(), SessionError> {
    let progress = Progress::new();
    progress.has_read();
    let connection = Connection::new(service, None, Arc::clone(&progress));
    let stream = join(reader, peer.clone());
    // As in the other protocols, a client may close its sending side and wait.
    tokio::select! {
        served = connection.serve(stream, router, HalfClosed::Waits) => Ok(served?),
        () = gone_at_work(peer, &progress) => Err(SessionError::Gone),
    }
}

/// Waits until the client has gone while a request of it is at work. Between requests, reading
/// tells.
async fn gone_at_work(peer: &Peer, progress: &Progress) {
    loop {
        progress.begun().await;
        while progress.is_at_work() {
            if peer.has_hung_up() {
                return;
            }
            sleep(LOOK_INTERVAL).await;
        }
    }
}

/// Answers the first request of a connection with an error, after which it is closed.
pub(in crate::serve) async fn refuse(
    writer: &mut ReplyWriter<Peer>,
    reason: &ErrorReply,
) -> Result<(), SessionError> {
    writer.write_all(&refusal(reason)).await
}

/// Reply of a daemon that cannot start.
pub(super) fn refusal(reason: &ErrorReply) -> Vec<u8> {
    // Strings and numbers can always be written as JSON.
    let body = reply_line(None, &Err(reason.clone())).unwrap_or_default();
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), &body].concat()
}
