//! Writes to a client, and connections that stay open.

use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::error::SessionError;

/// Writes all bytes; waits at most `stall_timeout` for the client to read each part.
pub(super) async fn write_all(
    writer: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    stall_timeout: Duration,
) -> Result<(), SessionError> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let written = timeout(stall_timeout, writer.write(rest)).await;
        let count = written.map_err(|_| SessionError::NotReading)??;
        rest = rest.get(count..).unwrap_or_default();
        if count == 0 {
            return Err(SessionError::NotReading);
        }
    }
    Ok(())
}

/// Keeps a connection open until the process ends: the client of a shutdown waits for its end.
pub(super) fn keep_open<W: AsyncWrite>(writer: W) {
    std::mem::forget(writer);
}
