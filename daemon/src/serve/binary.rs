//! The binary protocol: a handshake, then requests and replies in frames.

use std::io;
use std::sync::Arc;

use gte_shared::VERSION;
use gte_shared::wire::codec;
use gte_shared::wire::frame::{FrameError, frame, read_frame, read_length, read_payload};
use gte_shared::wire::{
    ErrorCode, ErrorReply, Hello, MAGIC, MAX_FRAME_BYTES, PROTOCOL, Reply, ReplyEnvelope, Request,
    STALL_TIMEOUT, Welcome,
};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::admission::{Admitted, Share};
use super::context::{Context, ReplyForm};
use super::error::SessionError;
use super::handler::{self, reply_too_large};
use super::offload::offload;
use super::peer::Peer;
use super::service::Service;
use super::stream::ReplyWriter;

/// Performs the handshake before the deadline, then answers requests until the client closes its
/// side or the daemon stops.
pub(super) async fn serve(
    mut reader: impl AsyncRead + Unpin,
    mut writer: ReplyWriter<Peer>,
    peer: &Peer,
    service: &Arc<Service>,
    deadline: Instant,
) -> Result<(), SessionError> {
    let greeted = tokio::select! {
        greeted = timeout_at(deadline, read_hello(&mut reader)) => greeted,
        () = service.stopped() => return Ok(()),
    };
    let greeted = greeted.unwrap_or(Err(SessionError::Silent));
    let answer = codec::encode::<Result<Welcome, ErrorReply>>(&welcome(&greeted))?;
    writer.write_all(&frame(&answer)?).await?;
    greeted?;
    serve_frames(reader, writer, peer, service).await
}

/// Answers the greeting of a client with an error, after which the connection is closed.
pub(super) async fn refuse_greeting(
    writer: &mut ReplyWriter<Peer>,
    reason: ErrorReply,
) -> Result<(), SessionError> {
    let answer = codec::encode::<Result<Welcome, ErrorReply>>(&Err(reason))?;
    writer.write_all(&frame(&answer)?).await
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

/// A reply, and the memory that it takes until it is written.
struct Outgoing {
    reply: ReplyEnvelope,
    bytes: usize,
    _admitted: Option<Admitted>,
}

/// Reads requests and answers each in a task of its own. A request that has been read is answered
/// even if the client closes its writing side or the daemon stops. If the client has gone, its
/// requests are dropped.
async fn serve_frames(
    mut reader: impl AsyncRead + Unpin,
    writer: ReplyWriter<Peer>,
    peer: &Peer,
    service: &Arc<Service>,
) -> Result<(), SessionError> {
    let caller = service.new_caller();
    let limits = service.limits();
    let share = service.admission().share();
    let permits = Arc::new(Semaphore::new(limits.requests_in_flight));
    let (replies, outbox) = mpsc::channel::<Outgoing>(limits.requests_in_flight);
    let mut writing = tokio::spawn(write_replies(writer, outbox));
    // Dropping the set aborts the requests that are at work.
    let mut requests = JoinSet::new();

    let outcome = loop {
        while requests.try_join_next().is_some() {}
        let room = async {
            // The semaphore is never closed.
            let permit = Arc::clone(&permits).acquire_owned().await;
            permit.map_err(|_| SessionError::Gone)
        };
        let permit = tokio::select! {
            // What is usual comes first.
            biased;
            permit = room => permit?,
            () = replies.closed() => break Err(SessionError::NotReading),
            () = peer.hung_up() => break Err(SessionError::Gone),
        };
        let length = tokio::select! {
            () = service.stopped() => break Ok(()),
            () = replies.closed() => break Err(SessionError::NotReading),
            length = read_length(&mut reader, limits.stall_timeout) => length,
        };
        let length = match length {
            Ok(Some(length)) => length,
            Ok(None) => break Ok(()),
            Err(error) => break refuse(&replies, error).await,
        };
        let message = tokio::select! {
            biased;
            message = read_message(&mut reader, length, &share, service) => message,
            // What has not been read is not answered.
            () = service.stopped() => break Ok(()),
            () = replies.closed() => break Err(SessionError::NotReading),
            () = peer.hung_up() => break Err(SessionError::Gone),
        };
        let message = match message {
            Ok(message) => message,
            Err(error) => break refuse(&replies, error).await,
        };
        let context = Context::new(service, caller, ReplyForm::Binary);
        let id = message.id;
        let request = tokio::select! {
            biased;
            request = admit(message, &context, &share) => request,
            () = replies.closed() => break Err(SessionError::NotReading),
            () = peer.hung_up() => break Err(SessionError::Gone),
        };
        let replies = replies.clone();
        requests.spawn(async move {
            let (outcome, bytes, admitted) = match request {
                Ok((request, bytes, admitted)) => {
                    (handler::answer(&context, request).await, bytes, admitted)
                }
                Err(error) => (Err(error), 0, None),
            };
            let outgoing = Outgoing {
                reply: (id, outcome),
                bytes,
                _admitted: admitted,
            };
            // The writer task reports a closed connection.
            drop(replies.send(outgoing).await);
            drop(permit);
        });
    };

    drop(replies);
    if matches!(outcome, Err(SessionError::Gone | SessionError::NotReading)) {
        writing.abort();
        return outcome;
    }
    // The writer task ends when the last request has been answered.
    tokio::select! {
        written = &mut writing => match written {
            Ok(written) => outcome.and(written),
            Err(_) => outcome,
        },
        () = gone(peer, &mut requests) => {
            writing.abort();
            Err(SessionError::Gone)
        }
    }
}

/// Returns if the client hangs up while requests are at work.
async fn gone(peer: &Peer, requests: &mut JoinSet<()>) {
    tokio::select! {
        () = peer.hung_up() => {}
        () = async { while requests.join_next().await.is_some() {} } => {
            std::future::pending::<()>().await;
        }
    }
}

/// Sends the error of a frame, after which nobody knows where the next frame begins.
async fn refuse(replies: &mpsc::Sender<Outgoing>, error: FrameError) -> Result<(), SessionError> {
    let outgoing = Outgoing {
        reply: (0, Err(frame_refusal(&error))),
        bytes: 0,
        _admitted: None,
    };
    // The writer task reports a closed connection.
    drop(replies.send(outgoing).await);
    Err(error.into())
}

/// A message that has been read.
struct Message {
    id: u64,
    request: Result<Request, ErrorReply>,
    length: usize,
    room: Option<Admitted>,
}

/// Waits for room for a message, then reads and decodes it.
async fn read_message(
    reader: &mut (impl AsyncRead + Unpin),
    length: usize,
    share: &Share,
    service: &Service,
) -> Result<Message, FrameError> {
    // The bounds are never closed, so that there is room in the end.
    let room = share.to_read(length).await.ok();
    let frame = read_payload(reader, length, service.limits().stall_timeout).await?;
    let decoded = offload(length, move || decode(&frame)).await;
    let (id, request) = decoded.map_err(|error| FrameError::Io(io::Error::other(error)))?;
    Ok(Message {
        id,
        request,
        length,
        room,
    })
}

/// A request that may be answered, the memory of its work, and the room for it.
type Admissible = Result<(Request, usize, Option<Admitted>), ErrorReply>;

/// Waits until there is room for the work of a request.
async fn admit(message: Message, context: &Context, share: &Share) -> Admissible {
    let request = message.request?;
    let bytes = handler::weigh(context, &request, message.length)?;
    let admitted = match bytes {
        0 => None,
        bytes => Some(share.to_work(bytes, message.room).await?),
    };
    Ok((request, bytes, admitted))
}

fn frame_refusal(error: &FrameError) -> ErrorReply {
    let code = match error {
        FrameError::TooLarge { .. } => ErrorCode::TooLarge,
        FrameError::Truncated
        | FrameError::Stalled(_)
        | FrameError::Slow(_)
        | FrameError::Io(_) => ErrorCode::BadFrame,
    };
    let refusal = ErrorReply::new(code, error.to_string());
    match error {
        FrameError::TooLarge { .. } => refusal.with_hint("send it in several requests"),
        _ => refusal,
    }
}

/// Decodes a request and its id.
fn decode(frame: &[u8]) -> (u64, Result<Request, ErrorReply>) {
    let bad = |message: &str| {
        ErrorReply::new(ErrorCode::BadRequest, message)
            .with_hint("the client may be of another version than the daemon; see PROTOCOL.md")
    };
    let Ok((id, request)) = codec::decode_prefix::<u64>(frame) else {
        return (0, Err(bad("the frame does not begin with a request's id")));
    };
    let unknown = |_| bad("the frame is not a request that this version knows");
    (id, codec::decode::<Request>(request).map_err(unknown))
}

/// Writes replies as they arrive, until all senders are dropped.
async fn write_replies(
    mut writer: ReplyWriter<Peer>,
    mut outbox: mpsc::Receiver<Outgoing>,
) -> Result<(), SessionError> {
    while let Some(outgoing) = outbox.recv().await {
        let Outgoing {
            reply,
            bytes,
            _admitted,
        } = outgoing;
        let id = reply.0;
        let stopping = matches!(reply, (_, Ok(Reply::Stopping)));
        let payload = match offload(bytes, move || encode(&reply)).await {
            Ok(payload) => payload?,
            Err(error) => encode(&(id, Err(error)))?,
        };
        writer.write_all(&payload).await?;
        if stopping {
            writer.keep_open();
        }
    }
    Ok(())
}

/// Encodes the frame of a reply. An error replaces a reply that is too large for a frame.
fn encode(reply: &ReplyEnvelope) -> Result<Vec<u8>, SessionError> {
    let mut payload = codec::encode(reply)?;
    if payload.len() > MAX_FRAME_BYTES {
        let error = reply_too_large(payload.len());
        payload = codec::encode::<ReplyEnvelope>(&(reply.0, Err(error)))?;
    }
    Ok(frame(&payload)?)
}
