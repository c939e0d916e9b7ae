//! One connection: which protocol it speaks, the handshake, and requests in the binary one.

use std::sync::Arc;

use gte_shared::BUILD;
use gte_shared::wire::codec::{self, CodecError};
use gte_shared::wire::frame::{FrameError, read_frame, write_frame};
use gte_shared::wire::{
    ErrorCode, ErrorReply, Hello, MAGIC, PROTOCOL, Reply, ReplyEnvelope, Request, Welcome,
};
use interprocess::local_socket::tokio::Stream;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
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
    #[error("the client speaks protocol {0}")]
    Mismatch(u32),
    #[error("the client stopped taking its replies")]
    NotReading,
    #[error("the handshake cannot be read: {0}")]
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
            let greeted = timeout(service.limits.handshake, greet(&mut reader, &stream)).await;
            greeted.map_err(|_| SessionError::Silent)??;
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

/// The handshake: the four magic bytes, the client's greeting, and the answer.
async fn greet(reader: &mut BufReader<&Stream>, stream: &Stream) -> Result<(), SessionError> {
    let mut magic = [0; MAGIC.len()];
    reader.read_exact(&mut magic).await?;
    let patience = gte_shared::wire::frame::PATIENCE_INSIDE_MESSAGE;
    let hello = if magic == MAGIC {
        let Some(frame) = read_frame(reader, patience).await? else {
            return Err(FrameError::Truncated.into());
        };
        codec::decode::<Hello>(&frame)
    } else {
        // Another version of the opening: it cannot be known what follows, so the answer is the
        // one that every version understands.
        Ok(Hello {
            protocol: 0,
            build: String::new(),
        })
    };
    let (answer, outcome) = match hello {
        Ok(hello) if hello.protocol == PROTOCOL => {
            let welcome = Welcome {
                protocol: PROTOCOL,
                build: BUILD.to_owned(),
            };
            (Ok(welcome), Ok(()))
        }
        Ok(hello) => {
            let refusal = ErrorReply::new(
                ErrorCode::ProtocolMismatch,
                format!(
                    "this daemon (build {BUILD}) speaks protocol {PROTOCOL}, the client (build {}) speaks protocol {}",
                    hello.build, hello.protocol
                ),
            );
            (Err(refusal), Err(SessionError::Mismatch(hello.protocol)))
        }
        Err(error) => {
            let refusal = ErrorReply::new(
                ErrorCode::BadFrame,
                "the first frame is no greeting; see PROTOCOL.md",
            );
            (Err(refusal), Err(error.into()))
        }
    };
    let answer = codec::encode::<Result<Welcome, ErrorReply>>(&answer)?;
    write_frame(&mut &*stream, &answer).await?;
    outcome
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
        let frame = match frame {
            Ok(Some(frame)) => frame,
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
            let reply = answer(&service, &frame).await;
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
    patience: std::time::Duration,
) -> Result<(), SessionError> {
    while let Some(reply) = outbox.recv().await {
        let frame = encode_reply(&reply)?;
        let written = timeout(patience, write_frame(&mut &*stream, &frame)).await;
        written.map_err(|_| SessionError::NotReading)??;
    }
    Ok(())
}

/// A reply as a frame; one that is too large for a frame is replaced by an error that says so.
fn encode_reply(reply: &ReplyEnvelope) -> Result<Vec<u8>, CodecError> {
    let frame = codec::encode(reply)?;
    if frame.len() <= gte_shared::wire::MAX_FRAME_BYTES {
        return Ok(frame);
    }
    let error = ErrorReply::new(
        ErrorCode::TooLarge,
        format!(
            "the reply is {} bytes long, and a frame holds {}",
            frame.len(),
            gte_shared::wire::MAX_FRAME_BYTES
        ),
    )
    .with_hint("ask for fewer texts at a time");
    codec::encode::<(u64, Result<Reply, ErrorReply>)>(&(reply.0, Err(error)))
}
