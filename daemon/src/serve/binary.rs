//! The binary protocol: a handshake, then requests and replies in frames.

use std::sync::Arc;

use gte_shared::VERSION;
use gte_shared::wire::codec::{self, CodecError};
use gte_shared::wire::frame::{FrameError, frame, read_frame};
use gte_shared::wire::{
    ErrorCode, ErrorReply, Hello, MAGIC, MAX_FRAME_BYTES, PROTOCOL, Reply, ReplyEnvelope, Request,
    STALL_TIMEOUT, Welcome,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};

use super::error::SessionError;
use super::handler::{self, reply_too_large};
use super::service::Service;
use super::stream::ReplyWriter;

/// Performs the handshake before the deadline, then answers requests until the client closes its
/// side or the daemon stops.
pub(super) async fn serve<R, W>(
    mut reader: R,
    mut writer: ReplyWriter<W>,
    service: &Arc<Service>,
    deadline: Instant,
) -> Result<(), SessionError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let greeted = timeout_at(deadline, read_hello(&mut reader)).await;
    let greeted = greeted.unwrap_or(Err(SessionError::Silent));
    let answer = codec::encode::<Result<Welcome, ErrorReply>>(&welcome(&greeted))?;
    writer.write_all(&frame(&answer)?).await?;
    greeted?;
    serve_frames(reader, writer, service).await
}

/// Reads the magic bytes and the client's greeting.
async fn read_hello(reader: &mut (impl AsyncRead + Unpin)) -> Result<(), SessionError> {
    let mut magic = [0; MAGIC.len()];
    reader.read_exact(&mut magic).await?;
    if magic != MAGIC {
        return Err(SessionError::UnknownProtocol);
    }
    let frame = read_frame(reader, STALL_TIMEOUT).await?;
    let hello: Hello = codec::decode(&frame.ok_or(FrameError::Truncated)?)?;
    if hello.protocol == PROTOCOL {
        Ok(())
    } else {
        Err(SessionError::mismatch(&hello))
    }
}

/// Returns the answer to a greeting: the welcome, or the reason for a refusal.
fn welcome(greeted: &Result<(), SessionError>) -> Result<Welcome, ErrorReply> {
    match greeted {
        Ok(()) => Ok(Welcome {
            protocol: PROTOCOL,
            version: VERSION.to_owned(),
        }),
        Err(SessionError::Frame(error)) => Err(frame_refusal(error)),
        Err(error @ SessionError::Mismatch { .. }) => Err(ErrorReply::new(
            ErrorCode::ProtocolMismatch,
            error.to_string(),
        )),
        Err(error) => Err(ErrorReply::new(ErrorCode::BadFrame, error.to_string())),
    }
}

/// Reads requests and answers each in a task of its own. A request that has been read is answered
/// even if the client closes its side or the daemon stops.
async fn serve_frames<R, W>(
    mut reader: R,
    writer: ReplyWriter<W>,
    service: &Arc<Service>,
) -> Result<(), SessionError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let limits = service.limits();
    let permits = Arc::new(Semaphore::new(limits.requests_in_flight));
    let (replies, outbox) = mpsc::channel::<ReplyEnvelope>(limits.requests_in_flight);
    let writing = tokio::spawn(write_replies(writer, outbox));

    let outcome = loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            // The semaphore is never closed.
            break Ok(());
        };
        let frame = tokio::select! {
            () = service.stopped() => break Ok(()),
            () = replies.closed() => break Err(SessionError::NotReading),
            frame = read_frame(&mut reader, limits.stall_timeout) => frame,
        };
        let request = match frame {
            Ok(Some(request)) => request,
            Ok(None) => break Ok(()),
            Err(error) => {
                let reply = (0, Err(frame_refusal(&error)));
                // The writer task reports a closed connection.
                drop(replies.send(reply).await);
                break Err(error.into());
            }
        };
        let replies = replies.clone();
        let service = Arc::clone(service);
        tokio::spawn(async move {
            let reply = answer(&service, &request).await;
            drop(replies.send(reply).await);
            drop(permit);
        });
    };

    // The writer task ends when the last request has been answered.
    drop(replies);
    match writing.await {
        Ok(written) => outcome.and(written),
        Err(_) => outcome,
    }
}

fn frame_refusal(error: &FrameError) -> ErrorReply {
    let code = match error {
        FrameError::TooLarge { .. } => ErrorCode::TooLarge,
        FrameError::Truncated | FrameError::Stalled(_) | FrameError::Io(_) => ErrorCode::BadFrame,
    };
    let refusal = ErrorReply::new(code, error.to_string());
    match error {
        FrameError::TooLarge { .. } => refusal.with_hint("send it in several requests"),
        _ => refusal,
    }
}

/// Answers one request frame.
async fn answer(service: &Service, frame: &[u8]) -> ReplyEnvelope {
    let bad = |message: &str| {
        ErrorReply::new(ErrorCode::BadRequest, message)
            .with_hint("the client may be of another version than the daemon; see PROTOCOL.md")
    };
    let Ok((id, request)) = codec::decode_prefix::<u64>(frame) else {
        return (0, Err(bad("the frame does not begin with a request's id")));
    };
    match codec::decode::<Request>(request) {
        Ok(request) => (id, handler::answer(service, request).await),
        Err(_) => (
            id,
            Err(bad("the frame is not a request that this version knows")),
        ),
    }
}

/// Writes replies as they arrive, until all senders are dropped.
async fn write_replies<W: AsyncWrite + Unpin>(
    mut writer: ReplyWriter<W>,
    mut outbox: mpsc::Receiver<ReplyEnvelope>,
) -> Result<(), SessionError> {
    while let Some(reply) = outbox.recv().await {
        let bytes = frame(&encode_reply(&reply)?)?;
        writer.write_all(&bytes).await?;
        if matches!(reply, (_, Ok(Reply::Stopping))) {
            writer.keep_open();
        }
    }
    Ok(())
}

/// Encodes a reply. An error replaces a reply that is too large for a frame.
fn encode_reply(reply: &ReplyEnvelope) -> Result<Vec<u8>, CodecError> {
    let payload = codec::encode(reply)?;
    if payload.len() <= MAX_FRAME_BYTES {
        return Ok(payload);
    }
    let error = reply_too_large(payload.len());
    codec::encode::<ReplyEnvelope>(&(reply.0, Err(error)))
}
