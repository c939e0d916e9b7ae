//! Writing to a client, and leaving its connection open.

use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::error::SessionError;

/// Writes all bytes, waiting at most `stall_timeout` for each part that the client reads.
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

/// Leaves a connection open until the process ends: its client waits for just that.
pub(super) fn keep_open<W: AsyncWrite>(writer: W) {
    std::mem::forget(writer);
}
