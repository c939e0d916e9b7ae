//! Writing half of a connection.

use std::mem;
use std::time::Duration;

use gte_shared::wire::frame::least_rate_time;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::error::SessionError;

/// Writes replies to a client. Dropping it lets go of the connection, which ends with its session.
pub(super) struct ReplyWriter<W> {
    /// `Some` until the value is dropped.
    writer: Option<W>,
    stall_timeout: Duration,
    kept_open: bool,
}

impl<W> ReplyWriter<W> {
    pub(super) fn new(writer: W, stall_timeout: Duration) -> Self {
        Self {
            writer: Some(writer),
            stall_timeout,
            kept_open: false,
        }
    }

    /// Keeps the connection open until the process ends, whatever happens to it from now on: the
    /// client of a shutdown waits for its end.
    pub(super) fn keep_open(&mut self) {
        self.kept_open = true;
    }
}

impl<W: AsyncWrite + Unpin> ReplyWriter<W> {
    /// Writes all bytes; waits at most the stall timeout for the client to read each part, and
    /// gives up a client that reads a large reply below the least rate: the reply holds memory that
    /// others wait for.
    pub(super) async fn write_all(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        let most = self.stall_timeout + least_rate_time(bytes.len());
        let written = timeout(most, self.write_parts(bytes)).await;
        written.unwrap_or(Err(SessionError::NotReading))
    }

    async fn write_parts(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        let Some(writer) = &mut self.writer else {
            return Err(SessionError::NotReading);
        };
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = timeout(self.stall_timeout, writer.write(rest)).await;
            let count = written.map_err(|_| SessionError::NotReading)??;
            rest = rest.get(count..).unwrap_or_default();
            if count == 0 {
                return Err(SessionError::NotReading);
            }
        }
        Ok(())
    }
}

impl<W> Drop for ReplyWriter<W> {
    fn drop(&mut self) {
        if self.kept_open {
            mem::forget(self.writer.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, duplex};

    use super::*;

    #[tokio::test]
    async fn a_connection_ends_with_its_writer_unless_it_is_kept_open() {
        for kept_open in [false, true] {
            let (near, mut far) = duplex(64);
            let mut writer = ReplyWriter::new(near, Duration::from_mins(1));
            writer.write_all(b"reply").await.unwrap();
            if kept_open {
                writer.keep_open();
            }
            drop(writer);
            let mut reply = [0; 5];
            far.read_exact(&mut reply).await.unwrap();
            let end = timeout(Duration::from_millis(50), far.read_u8()).await;
            assert_eq!(end.is_err(), kept_open);
        }
    }

    #[tokio::test]
    async fn a_client_that_reads_too_slowly_is_given_up() {
        let (near, mut far) = duplex(8);
        let mut writer = ReplyWriter::new(near, Duration::from_millis(50));
        let trickle = async {
            while far.read_u8().await.is_ok() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::select! {
            () = trickle => {}
            written = writer.write_all(&[0; 1000]) => {
                assert!(matches!(written, Err(SessionError::NotReading)));
            }
        }
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_given_up() {
        let (near, _far) = duplex(8);
        let mut writer = ReplyWriter::new(near, Duration::from_millis(10));
        let error = writer.write_all(&[0; 9]).await.unwrap_err();
        assert!(matches!(error, SessionError::NotReading));
    }
}
