//! JSON lines: one request object a line, one reply object a line, in the same order.

use std::io;
use std::sync::Arc;

use gte_shared::wire::json::{parse_request, reply_line};
use gte_shared::wire::{ErrorCode, ErrorReply, MAX_FRAME_BYTES, Reply};
use interprocess::local_socket::tokio::Stream;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::timeout;

use super::session::{SessionError, keep_until_exit, reply_too_large, write_patiently};
use super::{Service, handler, stopped};

/// Answers line by line until the client closes its side or the daemon stops.
pub(super) async fn serve(
    mut reader: BufReader<&Stream>,
    stream: &Arc<Stream>,
    service: &Arc<Service>,
) -> Result<(), SessionError> {
    let mut stopping = service.stopping.subscribe();
    loop {
        let line = tokio::select! {
            () = stopped(&mut stopping) => return Ok(()),
            line = read_line(&mut reader, service) => line,
        };
        let line = match line {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(()),
            Err(LineError::TooLong) => {
                let error = ErrorReply::new(
                    ErrorCode::TooLarge,
                    format!("a line is over the limit of {MAX_FRAME_BYTES} bytes"),
                )
                .with_hint("send it in several requests");
                return write_reply(stream, service, None, &Err(error)).await;
            }
            Err(LineError::Stalled) => {
                let error = ErrorReply::new(ErrorCode::BadFrame, "a line stopped in its middle");
                return write_reply(stream, service, None, &Err(error)).await;
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
        write_reply(stream, service, id, &outcome).await?;
        if matches!(outcome, Ok(Reply::Stopping)) {
            keep_until_exit(stream);
        }
    }
}

/// Writes one reply line; one that is too long is replaced by an error that says so.
pub(super) async fn write_reply(
    stream: &Stream,
    service: &Service,
    id: Option<Value>,
    outcome: &Result<Reply, ErrorReply>,
) -> Result<(), SessionError> {
    let mut line = reply_line(id.as_ref(), outcome).map_err(io::Error::other)?;
    if line.len() > MAX_FRAME_BYTES {
        let error = Err(reply_too_large(line.len()));
        line = reply_line(id.as_ref(), &error).map_err(io::Error::other)?;
    }
    line.push(b'\n');
    write_patiently(stream, &line, service.limits.patience).await
}

enum LineError {
    TooLong,
    Stalled,
    Io(io::Error),
}

/// One line without its line feed; `None` at the end. The last line may lack the line feed.
///
/// Waits as long as it takes for a line to begin, and the usual patience for each further piece.
async fn read_line(
    reader: &mut BufReader<&Stream>,
    service: &Service,
) -> Result<Option<Vec<u8>>, LineError> {
    let mut line = Vec::new();
    loop {
        let chunk = if line.is_empty() {
            reader.fill_buf().await
        } else {
            let more = timeout(service.limits.patience, reader.fill_buf()).await;
            more.map_err(|_| LineError::Stalled)?
        };
        let chunk = chunk.map_err(LineError::Io)?;
        if chunk.is_empty() {
            return Ok(Some(line).filter(|line| !line.is_empty()));
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let piece = &chunk[..end.unwrap_or(chunk.len())];
        if line.len() + piece.len() > MAX_FRAME_BYTES {
            return Err(LineError::TooLong);
        }
        line.extend_from_slice(piece);
        let used = end.map_or(piece.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}
