//! One connection: the choice of its protocol.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use gte_shared::wire::{ErrorCode, ErrorReply, MAGIC};
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};
use tokio::time::{Instant, timeout, timeout_at};

use super::error::SessionError;
use super::peer::Peer;
use super::service::Service;
use super::stream::ReplyWriter;
use super::{binary, http, json_lines};

/// Serves one connection until its client closes it or the daemon stops.
pub(super) async fn run(peer: Peer, service: &Arc<Service>, router: Router) {
    tracing::debug!("connection opened");
    match serve(peer, service, router).await {
        Ok(()) => tracing::debug!("connection closed"),
        // A warning, since an outdated client or daemon needs an update.
        Err(error @ SessionError::Mismatch { .. }) => tracing::warn!(%error, "connection refused"),
        Err(error) => tracing::debug!(%error, "connection failed"),
    }
}

async fn serve(peer: Peer, service: &Arc<Service>, router: Router) -> Result<(), SessionError> {
    let mut reader = peer.clone();
    let limits = service.limits();
    let mut writer = ReplyWriter::new(peer.clone(), limits.stall_timeout);
    let deadline = Instant::now() + limits.handshake_timeout;
    let mut opening = Vec::with_capacity(OPENING_BYTES);
    tokio::select! {
        () = service.stopped() => return Ok(()),
        read = timeout_at(deadline, read_opening(&mut reader, &mut opening)) => match read {
            Ok(read) => read?,
            Err(_) if opening.is_empty() => return Err(SessionError::Silent),
            // An incomplete opening is refused below.
            Err(_) => {}
        },
    }
    let opened = Protocol::of(&opening);
    let reader = BufReader::new(std::io::Cursor::new(opening).chain(reader));
    match opened {
        None => Ok(()),
        Some(Protocol::JsonLines) => json_lines::serve(reader, writer, &peer, service).await,
        Some(Protocol::Binary) => binary::serve(reader, writer, &peer, service, deadline).await,
        Some(Protocol::Http) => http::serve(reader, &peer, service, router).await,
        Some(Protocol::Unknown) => {
            // The refusal is JSON, which people can read.
            let error = ErrorReply::new(
                ErrorCode::BadFrame,
                "this is not the binary protocol, which opens with GTE1, nor a line of JSON, nor HTTP",
            );
            json_lines::refuse(&mut writer, error).await?;
            Err(SessionError::UnknownProtocol)
        }
    }
}

/// Time for a client that is refused to say which protocol it speaks: it has connected already.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// Answers a connection with an error, in its own protocol, and closes it.
pub(super) async fn refuse(peer: Peer, reason: ErrorReply) {
    let mut writer = ReplyWriter::new(peer.clone(), REFUSAL_TIMEOUT);
    let mut opening = Vec::with_capacity(OPENING_BYTES);
    let mut reader = peer;
    let refusing = async {
        // Who says nothing is answered as well.
        drop(timeout(REFUSAL_TIMEOUT, read_opening(&mut reader, &mut opening)).await);
        match Protocol::of(&opening) {
            Some(Protocol::Binary) => binary::refuse_greeting(&mut writer, reason).await,
            Some(Protocol::Http) => http::refuse(&mut writer, &reason).await,
            _ => json_lines::refuse(&mut writer, reason).await,
        }
    };
    if let Err(error) = refusing.await {
        tracing::debug!(%error, "connection failed");
    }
}

/// Most bytes that are read before the protocol is chosen: more than a request of HTTP or a
/// greeting of another program has, since some systems reset a connection that is closed with bytes
/// unread, and its client then loses the refusal.
const OPENING_BYTES: usize = 8 * 1024;

/// Protocol of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    JsonLines,
    Binary,
    Http,
    Unknown,
}

/// Methods of HTTP with the space behind them (RFC 9110, RFC 5789).
const METHODS: [&[u8]; 9] = [
    b"GET ",
    b"POST ",
    b"HEAD ",
    b"PUT ",
    b"DELETE ",
    b"OPTIONS ",
    b"PATCH ",
    b"TRACE ",
    b"CONNECT ",
];

impl Protocol {
    /// Protocol that begins with these bytes; `None` without any bytes.
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [] => None,
            [b'{', ..] => Some(Self::JsonLines),
            _ if bytes.starts_with(&MAGIC) || MAGIC.starts_with(bytes) => Some(Self::Binary),
            _ if METHODS.iter().any(|method| share_begin(method, bytes)) => Some(Self::Http),
            _ => Some(Self::Unknown),
        }
    }

    /// Returns true if these bytes may yet turn out to begin another protocol.
    fn is_undecided(bytes: &[u8]) -> bool {
        match Self::of(bytes) {
            None => true,
            Some(Self::Binary) => bytes.len() < MAGIC.len(),
            Some(Self::Http) => !METHODS.iter().any(|method| bytes.starts_with(method)),
            Some(Self::JsonLines | Self::Unknown) => false,
        }
    }
}

/// Returns true if one of two byte strings begins with the other.
fn share_begin(one: &[u8], other: &[u8]) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// Reads until the protocol is certain or the client closes its side. A `{` decides at once; other
/// first bytes may belong to several protocols.
async fn read_opening(
    reader: &mut (impl AsyncRead + Unpin),
    opening: &mut Vec<u8>,
) -> Result<(), SessionError> {
    while Protocol::is_undecided(opening) && reader.read_buf(opening).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_bytes_decide_the_protocol() {
        for (sent, protocol) in [
            (&b""[..], None),
            (b"{", Some(Protocol::JsonLines)),
            (b"{\"op\":\"status\"}", Some(Protocol::JsonLines)),
            (b"G", Some(Protocol::Binary)),
            (b"GTE1rest", Some(Protocol::Binary)),
            (b"GTE9rest", Some(Protocol::Unknown)),
            (b"GET / HTTP/1.1", Some(Protocol::Http)),
            (b"OPTIONS * HTTP/1.1", Some(Protocol::Http)),
            (b"POS", Some(Protocol::Http)),
            (b"get / HTTP/1.1", Some(Protocol::Unknown)),
            (b"GETS", Some(Protocol::Unknown)),
            (b"X", Some(Protocol::Unknown)),
        ] {
            let mut opening = Vec::with_capacity(OPENING_BYTES);
            let mut reader = sent;
            read_opening(&mut reader, &mut opening).await.unwrap();
            assert_eq!(opening, sent, "nothing is lost");
            assert_eq!(Protocol::of(&opening), protocol);
        }
    }

    #[tokio::test]
    async fn what_lies_beyond_the_first_bytes_is_left_to_the_protocol() {
        let sent = vec![b'{'; 2 * OPENING_BYTES];
        let mut opening = Vec::with_capacity(OPENING_BYTES);
        let mut rest = sent.as_slice();
        read_opening(&mut rest, &mut opening).await.unwrap();
        assert!(!rest.is_empty());
        assert_eq!([opening.as_slice(), rest].concat(), sent);
    }

    #[tokio::test]
    async fn an_opening_may_arrive_byte_by_byte() {
        let (mut near, mut far) = tokio::io::duplex(1);
        let send = async {
            for byte in b"GTE1" {
                tokio::io::AsyncWriteExt::write_all(&mut near, &[*byte])
                    .await
                    .unwrap();
            }
        };
        let mut opening = Vec::new();
        let (read, ()) = tokio::join!(read_opening(&mut far, &mut opening), send);
        read.unwrap();
        assert_eq!(opening, b"GTE1");
    }
}
