//! One connection: which protocol it speaks, the handshake, and requests in the binary one.

use std::sync::Arc;
use std::time::Duration;

use gte_shared::BUILD;
use gte_shared::wire::codec::{self, CodecError};
use gte_shared::wire::frame::{FrameError, PATIENCE_INSIDE_MESSAGE, frame, read_frame};
use gte_shared::wire::{
    ErrorCode, ErrorReply, Hello, MAGIC, MAX_FRAME_BYTES, PROTOCOL, Reply, ReplyEnvelope, Request,
    Welcome,
};
use interprocess::local_socket::tokio::Stream;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use super::{Service, handler, json, stopped};

/// Why a session ended before its client wanted it to.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error("the connection said nothing it wants for too long")]
    Silent,
    #[error("the connection opened with neither protocol")]
    UnknownProtocol,
    #[error(
        "this daemon (build {BUILD}) speaks protocol {PROTOCOL}, the client (build {build}) speaks protocol {protocol}"
    )]
    Mismatch { protocol: u32, build: String },
    #[error("the client stopped taking its replies")]
    NotReading,
    #[error("the first frame is no greeting: {0}")]
    Handshake(#[from] CodecError),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the connection failed: {0}")]
    Io(#[from] std::io::Error),
}

/// Serves one connection until its client or the daemon wants to end it.
pub(super) async fn run(stream: Stream, service: &Arc<Service>) {
    tracing::debug!("connection opened");
    match converse(Arc::new(stream), service).await {
        Ok(()) => tracing::debug!("connection closed"),
        // Two builds side by side: whoever runs the daemon should know.
        Err(error @ SessionError::Mismatch { .. }) => tracing::warn!(%error, "connection refused"),
        Err(error) => tracing::debug!(%error, "connection given up"),
    }
}

async fn converse(stream: Arc<Stream>, service: &Arc<Service>) -> Result<(), SessionError> {
    let mut reader = BufReader::new(&*stream);
    let mut stopping = service.stopping.subscribe();
    let opening = async {
        let opening = reader.fill_buf();
        let bytes = timeout(service.limits.handshake, opening).await;
        Ok::<_, SessionError>(bytes.map_err(|_| SessionError::Silent)??.first().copied())
    };
    let first = tokio::select! {
        () = stopped(&mut stopping) => return Ok(()),
        first = opening => first?,
    };
    match first {
        None => Ok(()),
        Some(b'{') => json::serve(reader, &stream, service).await,
        Some(first) if first == MAGIC[0] => {
            let greeted = timeout(service.limits.handshake, greet(&mut reader)).await;
            let greeted = greeted.unwrap_or(Err(SessionError::Silent));
            answer_greeting(&stream, service, &greeted).await?;
            greeted?;
            serve_frames(reader, &stream, service).await
        }
        Some(_) => refuse_protocol(&stream, service).await,
    }
}

/// Tells a client that speaks neither protocol so, in the form that a person can read.
async fn refuse_protocol(stream: &Stream, service: &Service) -> Result<(), SessionError> {
    let error = ErrorReply::new(
        ErrorCode::BadFrame,
        "this is neither the binary protocol, which opens with GTE1, nor a line of JSON",
    );
    json::write_reply(stream, service, None, &Err(error)).await?;
    Err(SessionError::UnknownProtocol)
}

/// The handshake's first half: the four magic bytes and the client's greeting.
async fn greet(reader: &mut BufReader<&Stream>) -> Result<(), SessionError> {
    let mut magic = [0; MAGIC.len()];
    reader.read_exact(&mut magic).await?;
    if magic != MAGIC {
        return Err(SessionError::UnknownProtocol);
    }
    let frame = read_frame(reader, PATIENCE_INSIDE_MESSAGE).await?;
    let hello: Hello = codec::decode(&frame.ok_or(FrameError::Truncated)?)?;
    if hello.protocol == PROTOCOL {
        Ok(())
    } else {
        Err(SessionError::Mismatch {
            protocol: hello.protocol,
            build: hello.build,
        })
    }
}

/// The handshake's second half: the welcome, or why there is none.
async fn answer_greeting(
    stream: &Stream,
    service: &Service,
    greeted: &Result<(), SessionError>,
) -> Result<(), SessionError> {
    let answer = match greeted {
        Ok(()) => Ok(Welcome {
            protocol: PROTOCOL,
            build: BUILD.to_owned(),
        }),
        Err(SessionError::Frame(error)) => Err(frame_refusal(error)),
        Err(error @ SessionError::Mismatch { .. }) => Err(ErrorReply::new(
            ErrorCode::ProtocolMismatch,
            error.to_string(),
        )),
        Err(error) => Err(ErrorReply::new(ErrorCode::BadFrame, error.to_string())),
    };
    let answer = codec::encode::<Result<Welcome, ErrorReply>>(&answer)?;
    write_patiently(stream, &frame(&answer)?, service.limits.patience).await
}

/// Reads requests and has each answered by a task of its own, until the client closes its side or
/// the daemon stops. What has been read is answered either way.
async fn serve_frames(
    mut reader: BufReader<&Stream>,
    stream: &Arc<Stream>,
    service: &Arc<Service>,
) -> Result<(), SessionError> {
    let limits = service.limits;
    let mut stopping = service.stopping.subscribe();
    let places = Arc::new(Semaphore::new(limits.requests_in_flight));
    let (replies, outbox) = mpsc::channel::<ReplyEnvelope>(limits.requests_in_flight);
    let writer = tokio::spawn(write_replies(Arc::clone(stream), outbox, limits.patience));

    let outcome = loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            // The semaphore is never closed.
            break Ok(());
        };
        let frame = tokio::select! {
            () = stopped(&mut stopping) => break Ok(()),
            () = replies.closed() => break Err(SessionError::NotReading),
            frame = read_frame(&mut reader, limits.patience) => frame,
        };
        let request = match frame {
            Ok(Some(request)) => request,
            Ok(None) => break Ok(()),
            Err(error) => {
                let reply = (0, Err(frame_refusal(&error)));
                // The writer reports a connection that is gone.
                drop(replies.send(reply).await);
                break Err(error.into());
            }
        };
        let replies = replies.clone();
        let service = Arc::clone(service);
        tokio::spawn(async move {
            let reply = answer(&service, &request).await;
            drop(replies.send(reply).await);
            drop(place);
        });
    };

    // The writer ends when the last request has been answered.
    drop(replies);
    match writer.await {
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

/// The reply to one request frame.
async fn answer(service: &Service, frame: &[u8]) -> ReplyEnvelope {
    let bad = |what: &str| {
        ErrorReply::new(ErrorCode::BadRequest, what)
            .with_hint("is the client of another build than the daemon? See PROTOCOL.md")
    };
    let Ok((id, request)) = codec::decode_prefix::<u64>(frame) else {
        return (0, Err(bad("the frame does not begin with a request's id")));
    };
    match codec::decode::<Request>(request) {
        Ok(request) => (id, handler::answer(service, request).await),
        Err(_) => (
            id,
            Err(bad("the frame holds no request that this build knows")),
        ),
    }
}

/// Writes replies as they come, until all senders are gone.
async fn write_replies(
    stream: Arc<Stream>,
    mut outbox: mpsc::Receiver<ReplyEnvelope>,
    patience: Duration,
) -> Result<(), SessionError> {
    while let Some(reply) = outbox.recv().await {
        let bytes = frame(&encode_reply(&reply)?)?;
        write_patiently(&stream, &bytes, patience).await?;
        if matches!(reply, (_, Ok(Reply::Stopping))) {
            keep_until_exit(&stream);
        }
    }
    Ok(())
}

/// Writes all bytes, waiting `patience` for each piece that the client takes.
pub(super) async fn write_patiently(
    mut stream: &Stream,
    bytes: &[u8],
    patience: Duration,
) -> Result<(), SessionError> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let written = timeout(patience, stream.write(rest)).await;
        let count = written.map_err(|_| SessionError::NotReading)??;
        rest = rest.get(count..).unwrap_or_default();
        if count == 0 {
            return Err(SessionError::NotReading);
        }
    }
    Ok(())
}

/// Leaves a connection open until the process ends, for a client that waits for just that.
pub(super) fn keep_until_exit(stream: &Arc<Stream>) {
    std::mem::forget(Arc::clone(stream));
}

/// A reply as a payload; one that is too large for a frame is replaced by an error that says so.
fn encode_reply(reply: &ReplyEnvelope) -> Result<Vec<u8>, CodecError> {
    let payload = codec::encode(reply)?;
    if payload.len() <= MAX_FRAME_BYTES {
        return Ok(payload);
    }
    let error = reply_too_large(payload.len());
    codec::encode::<ReplyEnvelope>(&(reply.0, Err(error)))
}

/// The error in place of a reply that is over the limit.
pub(super) fn reply_too_large(bytes: usize) -> ErrorReply {
    let words = format!("the reply is {bytes} bytes long, and may have {MAX_FRAME_BYTES}");
    ErrorReply::new(ErrorCode::TooLarge, words).with_hint("ask for fewer texts at a time")
}
