//! JSON lines: one request per line, one reply per line, in the same order.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use gte_shared::wire::json::{parse_request, reply_line};
use gte_shared::wire::{ErrorCode, ErrorReply, MAX_FRAME_BYTES, Reply};
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite};
use tokio::time::timeout;

use super::error::SessionError;
use super::handler::{self, reply_too_large};
use super::service::Service;
use super::stream::ReplyWriter;

/// Answers requests one by one until the client closes its side or the daemon stops.
pub(super) async fn serve<R, W>(
    mut reader: R,
    mut writer: ReplyWriter<W>,
    service: &Arc<Service>,
) -> Result<(), SessionError>
where
    R: AsyncBufRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let limits = service.limits();
    loop {
        let line = tokio::select! {
            () = service.stopped() => return Ok(()),
            line = read_line(&mut reader, limits.stall_timeout) => line,
        };
        let line = match line {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(()),
            Err(LineError::TooLong) => {
                let error = ErrorReply::new(
                    ErrorCode::TooLarge,
                    format!("a line is over the limit of {MAX_FRAME_BYTES} bytes"),
                );
                let error = error.with_hint("send it in several requests");
                return refuse(&mut writer, error).await;
            }
            Err(LineError::Stalled) => {
                let error = ErrorReply::new(ErrorCode::BadFrame, "a line stopped in its middle");
                return refuse(&mut writer, error).await;
            }
            Err(LineError::Io(error)) => return Err(error.into()),
        };
        if line.trim_ascii().is_empty() {
            continue;
        }
        let (id, request) = parse_request(&line);
        let outcome = match request {
            Ok(request) => handler::answer(service, request).await,
            Err(error) => Err(error),
        };
        let line = reply(id.as_ref(), &outcome)?;
        writer.write_all(&line).await?;
        if matches!(outcome, Ok(Reply::Stopping)) {
            writer.keep_open();
            return Ok(());
        }
    }
}

/// Writes an error without an id, after which the connection is closed.
pub(super) async fn refuse(
    writer: &mut ReplyWriter<impl AsyncWrite + Unpin>,
    error: ErrorReply,
) -> Result<(), SessionError> {
    let line = reply(None, &Err(error))?;
    writer.write_all(&line).await
}

/// Encodes one reply line. An error replaces a line that is too long.
fn reply(id: Option<&Value>, outcome: &Result<Reply, ErrorReply>) -> io::Result<Vec<u8>> {
    let mut line = reply_line(id, outcome).map_err(io::Error::other)?;
    if line.len() > MAX_FRAME_BYTES {
        let error = Err(reply_too_large(line.len()));
        line = reply_line(id, &error).map_err(io::Error::other)?;
    }
    line.push(b'\n');
    Ok(line)
}

enum LineError {
    TooLong,
    Stalled,
    Io(io::Error),
}

/// Reads one line without its line feed; `None` at the end. The last line may lack the line feed.
///
/// Waits without a limit for a line to begin, and at most `stall_timeout` for each further part.
async fn read_line(
    reader: &mut (impl AsyncBufRead + Unpin),
    stall_timeout: Duration,
) -> Result<Option<Vec<u8>>, LineError> {
    let mut line = Vec::new();
    loop {
        let chunk = if line.is_empty() {
            reader.fill_buf().await
        } else {
            let more = timeout(stall_timeout, reader.fill_buf()).await;
            more.map_err(|_| LineError::Stalled)?
        };
        let chunk = chunk.map_err(LineError::Io)?;
        if chunk.is_empty() {
            return Ok(Some(line).filter(|line| !line.is_empty()));
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        if line.len() + part.len() > MAX_FRAME_BYTES {
            return Err(LineError::TooLong);
        }
        line.extend_from_slice(part);
        let used = end.map_or(part.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}
