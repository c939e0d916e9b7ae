//! JSON lines: one request per line, one reply per line, in the same order.

use std::io;
use std::sync::Arc;

use gte_shared::wire::frame::least_rate_time;
use gte_shared::wire::{ErrorCode, ErrorReply, MAX_FRAME_BYTES, Reply};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite};
use tokio::time::{Instant, timeout, timeout_at};

use super::admission::{Admitted, SMALL_BYTES, Share};
use super::context::{Context, ReplyForm};
use super::error::SessionError;
use super::peer::Peer;
use super::request_line::{Allowed, answer_line, encode};
use super::service::Service;
use super::stream::ReplyWriter;

/// Answers requests one by one until the client closes its side or the daemon stops. If the client
/// has gone, its request is dropped.
pub(super) async fn serve(
    mut reader: impl AsyncBufRead + Unpin,
    mut writer: ReplyWriter<Peer>,
    peer: &Peer,
    service: &Arc<Service>,
) -> Result<(), SessionError> {
    let caller = service.new_caller();
    let share = service.admission().share();
    loop {
        let line = tokio::select! {
            () = service.stopped() => return Ok(()),
            line = read_line(&mut reader, service, &share) => line,
        };
        let Line { bytes, reading } = match line {
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
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let context = Context::new(service, caller, ReplyForm::Json);
        let answered = tokio::select! {
            // What is usual comes first.
            biased;
            answered = answer_line(&context, &share, Allowed::All, bytes, reading) => answered,
            () = peer.hung_up() => return Err(SessionError::Gone),
        };
        let stopping = matches!(answered.outcome, Ok(Reply::Stopping));
        let line = with_line_feed(answered.encode().await)?;
        writer.write_all(&line).await?;
        if stopping {
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
    let line = with_line_feed(encode(None, &Err(error)))?;
    writer.write_all(&line).await
}

fn with_line_feed(line: serde_json::Result<Vec<u8>>) -> io::Result<Vec<u8>> {
    let mut line = line.map_err(io::Error::other)?;
    line.push(b'\n');
    Ok(line)
}

enum LineError {
    TooLong,
    Stalled,
    Io(io::Error),
}

/// A line without its line feed, and its room among the messages that are read, if it is long.
struct Line {
    bytes: Vec<u8>,
    reading: Option<Admitted>,
}

/// Reads one line; `None` at the end. The last line may lack the line feed.
///
/// Waits without a limit for a line to begin, and at most the stall timeout for each further part.
/// A long line waits for room, and must then arrive at the least rate.
async fn read_line(
    reader: &mut (impl AsyncBufRead + Unpin),
    service: &Service,
    share: &Share,
) -> Result<Option<Line>, LineError> {
    let stall_timeout = service.limits().stall_timeout;
    let mut line = Vec::new();
    let mut reading: Option<(Admitted, Instant)> = None;
    loop {
        if line.len() > SMALL_BYTES && reading.is_none() {
            // The longest line, since nobody knows how long this one will be.
            let admitted = share.to_read(MAX_FRAME_BYTES).await;
            let admitted = admitted.map_err(|_| LineError::Stalled)?;
            let deadline = Instant::now() + stall_timeout + least_rate_time(MAX_FRAME_BYTES);
            reading = Some((admitted, deadline));
        }
        let more = reader.fill_buf();
        let chunk = match &reading {
            _ if line.is_empty() => Ok(more.await),
            None => timeout(stall_timeout, more).await,
            Some((_, deadline)) => {
                timeout_at((*deadline).min(Instant::now() + stall_timeout), more).await
            }
        };
        let chunk = chunk.map_err(|_| LineError::Stalled)?;
        let chunk = chunk.map_err(LineError::Io)?;
        let whole = |bytes: Vec<u8>, reading: Option<(Admitted, Instant)>| {
            let reading = reading.map(|(mut admitted, _)| {
                admitted.shrink(bytes.len());
                admitted
            });
            Line { bytes, reading }
        };
        if chunk.is_empty() {
            return Ok((!line.is_empty()).then(|| whole(line, reading)));
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
            return Ok(Some(whole(line, reading)));
        }
    }
}
