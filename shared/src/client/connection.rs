//! One connection to the daemon, with any number of requests in flight.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use interprocess::local_socket::tokio::{Stream, prelude::*};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::error::ClientError;
use crate::endpoint::{Endpoint, EndpointError, check_peer};
use crate::version::VERSION;
use crate::wire::frame::{FrameError, read_frame, write_frame};
use crate::wire::{
    ErrorCode, ErrorReply, Hello, MAGIC, MAX_FRAME_BYTES, PROTOCOL, Reply, ReplyEnvelope, Request,
    STALL_TIMEOUT, Welcome, codec,
};

/// Timeout of the handshake. The daemon answers once its model is loaded.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_mins(1);

/// A connection after the handshake.
///
/// Requests take `&self` and may overlap; each gets its own reply. The reply to a dropped request
/// is discarded. Dropping the connection closes it.
#[derive(Debug)]
pub(super) struct Connection {
    /// Version of the daemon.
    version: String,
    /// Process id of the daemon, if the system states it.
    pid: Option<u32>,
    calls: Arc<Mutex<Calls>>,
    outbox: mpsc::UnboundedSender<Vec<u8>>,
    next_id: AtomicU64,
    reader: JoinHandle<()>,
    writer: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Calls {
    waiting: HashMap<u64, oneshot::Sender<Result<Reply, ErrorReply>>>,
    /// True once the connection has ended, so that a new request would get no reply.
    closed: bool,
}

fn lock(calls: &Mutex<Calls>) -> MutexGuard<'_, Calls> {
    // The map is whole between any two statements, so a panic elsewhere does not spoil it.
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}

fn close(calls: &Mutex<Calls>) {
    let mut calls = lock(calls);
    calls.closed = true;
    // Dropping the senders ends every waiting call.
    calls.waiting.clear();
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.reader.abort();
        self.writer.abort();
    }
}

impl Connection {
    /// Connects to the daemon at `endpoint` and performs the handshake.
    ///
    /// # Errors
    ///
    /// [`ClientError::NotRunning`] if no daemon listens there; see [`ClientError`] for the others.
    pub(super) async fn open(endpoint: &Endpoint) -> Result<Self, ClientError> {
        let stream = open_stream(endpoint).await?;
        let pid = match check_peer(&stream) {
            Err(EndpointError::NotConnected) => return Err(ClientError::Closed),
            peer => peer?.pid,
        };
        let version = match timeout(HANDSHAKE_TIMEOUT, shake_hands(&stream)).await {
            Err(_) => return Err(ClientError::StartTimeout(HANDSHAKE_TIMEOUT)),
            Ok(greeted) => greeted?.version,
        };
        let calls = Arc::default();
        let stream = Arc::new(stream);
        let (outbox, requests) = mpsc::unbounded_channel();
        let reader = tokio::spawn(read_replies(Arc::clone(&stream), Arc::clone(&calls)));
        let writer = tokio::spawn(write_requests(stream, requests, Arc::clone(&calls)));
        Ok(Self {
            version,
            pid,
            calls,
            outbox,
            next_id: AtomicU64::new(1),
            reader,
            writer,
        })
    }

    /// Sends one request and waits for its reply.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] with the daemon's error; see [`ClientError`] for the others.
    pub(super) async fn send(&self, request: &Request) -> Result<Reply, ClientError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let frame = codec::encode(&(id, request))?;
        if frame.len() > MAX_FRAME_BYTES {
            return Err(ClientError::RequestTooLarge(frame.len()));
        }
        let (sender, receiver) = oneshot::channel();
        {
            let mut calls = lock(&self.calls);
            if calls.closed {
                return Err(ClientError::Closed);
            }
            calls.waiting.insert(id, sender);
        }
        self.outbox.send(frame).map_err(|_| ClientError::Closed)?;
        Ok(receiver.await.map_err(|_| ClientError::Closed)??)
    }

    /// Version of the daemon.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Process id of the daemon, if the system states it.
    pub(super) fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// Returns true once the connection has ended.
    pub(super) fn is_closed(&self) -> bool {
        lock(&self.calls).closed
    }
}

/// Connects to the socket.
pub(super) async fn open_stream(endpoint: &Endpoint) -> Result<Stream, ClientError> {
    endpoint.check_directory()?;
    Stream::connect(endpoint.name()?)
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                ClientError::NotRunning(endpoint.path().to_owned())
            }
            _ => ClientError::Connect {
                socket: endpoint.path().to_owned(),
                source,
            },
        })
}

/// Returns true for the errors of a connection whose other end has gone.
pub(super) fn is_disconnect(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
            // The daemon's backlog was full when the connection was made.
            | io::ErrorKind::NotConnected
    )
}

async fn shake_hands(mut stream: &Stream) -> Result<Welcome, ClientError> {
    let hello = codec::encode(&Hello {
        protocol: PROTOCOL,
        version: VERSION.to_owned(),
    })?;
    let greeting = async {
        stream.write_all(&MAGIC).await?;
        write_frame(&mut stream, &hello).await?;
        read_frame(&mut stream, STALL_TIMEOUT).await
    };
    let frame = match greeting.await {
        Ok(Some(frame)) => frame,
        // A daemon that exits closes its socket with connections still waiting in it.
        Ok(None) => return Err(ClientError::Closed),
        Err(FrameError::Io(error)) if is_disconnect(&error) => return Err(ClientError::Closed),
        Err(error) => return Err(ClientError::Handshake(error.to_string())),
    };
    match codec::decode::<Result<Welcome, ErrorReply>>(&frame) {
        Ok(Ok(welcome)) if welcome.protocol == PROTOCOL => Ok(welcome),
        Ok(Ok(welcome)) => Err(ClientError::Mismatch(format!(
            "this client (version {VERSION}) speaks protocol {PROTOCOL}, the daemon (version {}) \
             speaks protocol {}",
            welcome.version, welcome.protocol
        ))),
        Ok(Err(refusal)) if refusal.code == ErrorCode::ProtocolMismatch => {
            Err(ClientError::Mismatch(refusal.message))
        }
        Ok(Err(refusal)) if refusal.code == ErrorCode::BadFrame => {
            Err(ClientError::Handshake(refusal.message))
        }
        // The daemon cannot start.
        Ok(Err(refusal)) => Err(ClientError::Refused(refusal)),
        Err(error) => Err(ClientError::Handshake(error.to_string())),
    }
}

/// Gives each reply to the call that waits for it, until the connection ends.
async fn read_replies(stream: Arc<Stream>, calls: Arc<Mutex<Calls>>) {
    let mut receive = BufReader::new(&*stream);
    while let Ok(Some(frame)) = read_frame(&mut receive, STALL_TIMEOUT).await {
        let Ok((id, outcome)) = codec::decode::<ReplyEnvelope>(&frame) else {
            break;
        };
        // The caller may have dropped its call.
        if let Some(caller) = lock(&calls).waiting.remove(&id) {
            drop(caller.send(outcome));
        }
    }
    close(&calls);
}

/// Writes requests one after the other, in a task of its own, so that a dropped call cannot leave
/// half a frame behind.
async fn write_requests(
    stream: Arc<Stream>,
    mut requests: mpsc::UnboundedReceiver<Vec<u8>>,
    calls: Arc<Mutex<Calls>>,
) {
    while let Some(request) = requests.recv().await {
        if write_frame(&mut &*stream, &request).await.is_err() {
            return close(&calls);
        }
    }
}
