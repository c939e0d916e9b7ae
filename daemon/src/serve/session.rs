//! One connection: the choice of its protocol.

use std::sync::Arc;

use gte_shared::wire::{ErrorCode, ErrorReply, MAGIC};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, BufReader, split};
use tokio::time::{Instant, timeout_at};

use super::error::SessionError;
use super::service::Service;
use super::{binary, json_lines};

/// Serves one connection until its client closes it or the daemon stops.
pub(super) async fn run<S>(stream: S, service: &Arc<Service>)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    tracing::debug!("connection opened");
    match serve(stream, service).await {
        Ok(()) => tracing::debug!("connection closed"),
        // A warning, since an outdated client or daemon needs an update.
        Err(error @ SessionError::Mismatch { .. }) => tracing::warn!(%error, "connection refused"),
        Err(error) => tracing::debug!(%error, "connection failed"),
    }
}

async fn serve<S>(stream: S, service: &Arc<Service>) -> Result<(), SessionError>
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (mut reader, writer) = split(stream);
    let deadline = Instant::now() + service.limits().handshake_timeout;
    let mut opening = Opening::default();
    tokio::select! {
        () = service.stopped() => return Ok(()),
        read = timeout_at(deadline, opening.read(&mut reader)) => match read {
            Ok(read) => read?,
            Err(_) if opening.bytes().is_empty() => return Err(SessionError::Silent),
            // An incomplete opening is refused below.
            Err(_) => {}
        },
    }
    let bytes = opening.bytes().to_vec();
    let opened = Protocol::of(&bytes);
    let reader = BufReader::new(std::io::Cursor::new(bytes).chain(reader));
    match opened {
        None => Ok(()),
        Some(Protocol::JsonLines) => json_lines::serve(reader, writer, service).await,
        Some(Protocol::Binary) => binary::serve(reader, writer, service, deadline).await,
        Some(Protocol::Unknown) => {
            // The refusal is JSON, which people can read.
            let error = ErrorReply::new(
                ErrorCode::BadFrame,
                "this is neither the binary protocol, which opens with GTE1, nor a line of JSON",
            );
            json_lines::refuse(writer, service, error).await?;
            Err(SessionError::UnknownProtocol)
        }
    }
}

/// First bytes of a connection, as many as are needed to know the protocol.
#[derive(Default)]
struct Opening {
    bytes: [u8; MAGIC.len()],
    len: usize,
}

/// Protocol of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    JsonLines,
    Binary,
    Unknown,
}

impl Protocol {
    /// Protocol that begins with these bytes; `None` without any bytes.
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [] => None,
            [b'{', ..] => Some(Self::JsonLines),
            _ if MAGIC.starts_with(bytes) => Some(Self::Binary),
            _ => Some(Self::Unknown),
        }
    }
}

impl Opening {
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Reads until the protocol is certain or the client closes its side. A `{` decides at once;
    /// other first bytes may belong to several protocols.
    async fn read(&mut self, reader: &mut (impl AsyncRead + Unpin)) -> Result<(), SessionError> {
        while self.len < self.bytes.len()
            && matches!(Protocol::of(self.bytes()), None | Some(Protocol::Binary))
        {
            match reader.read(&mut self.bytes[self.len..]).await? {
                0 => break,
                count => self.len += count,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_protocol_is_decided_by_as_few_bytes_as_it_takes() {
        for (sent, read, protocol) in [
            (&b""[..], &b""[..], None),
            (b"{", b"{", Some(Protocol::JsonLines)),
            (b"G", b"G", Some(Protocol::Binary)),
            (b"GTE1rest", b"GTE1", Some(Protocol::Binary)),
            (b"GET / HTTP/1.1", b"GET ", Some(Protocol::Unknown)),
            (b"X", b"X", Some(Protocol::Unknown)),
        ] {
            let mut opening = Opening::default();
            let mut reader = sent;
            opening.read(&mut reader).await.unwrap();
            assert_eq!(opening.bytes(), read);
            assert_eq!(Protocol::of(opening.bytes()), protocol);
        }
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
        let mut opening = Opening::default();
        let (read, ()) = tokio::join!(opening.read(&mut far), send);
        read.unwrap();
        assert_eq!(opening.bytes(), b"GTE1");
    }
}
