//! One connection to the daemon, with any number of requests in flight.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use interprocess::local_socket::tokio::{Stream, prelude::*};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::ClientError;
use crate::BUILD;
use crate::endpoint::Endpoint;
use crate::wire::codec;
use crate::wire::frame::{FrameError, PATIENCE_INSIDE_MESSAGE, read_frame, write_frame};
use crate::wire::{
    ErrorReply, Hello, MAGIC, MAX_FRAME_BYTES, PROTOCOL, Reply, ReplyEnvelope, Request, Welcome,
};

/// How long the daemon may take to greet: it does so once its model is loaded.
const HANDSHAKE_PATIENCE: Duration = Duration::from_mins(1);

/// A connection that has shaken hands.
///
/// Calls take `&self` and may overlap; each gets the reply to its own request. A call may be dropped;
/// its reply is then thrown away. Dropping the client closes the connection.
#[derive(Debug)]
pub(super) struct Client {
    calls: Arc<Mutex<Calls>>,
    outbox: mpsc::UnboundedSender<Vec<u8>>,
    next_id: AtomicU64,
    reader: JoinHandle<()>,
    writer: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Calls {
    waiting: HashMap<u64, oneshot::Sender<Result<Reply, ErrorReply>>>,
    /// The connection has ended, so nobody would answer a new call.
    closed: bool,
}

fn lock(calls: &Mutex<Calls>) -> MutexGuard<'_, Calls> {
    // The map is whole between any two statements, so a panic elsewhere does not spoil it.
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}

fn close(calls: &Mutex<Calls>) {
    let mut calls = lock(calls);
    calls.closed = true;
    // Dropping the senders tells every waiting caller.
    calls.waiting.clear();
}

impl Drop for Client {
    fn drop(&mut self) {
        self.reader.abort();
        self.writer.abort();
    }
}

/// Connects to the daemon at `endpoint` and shakes hands.
///
/// # Errors
///
/// [`ClientError::NotRunning`] when nobody listens there; see [`ClientError`] for the others.
pub(super) async fn connect(endpoint: &Endpoint) -> Result<Client, ClientError> {
    let stream = open(endpoint).await?;
    let hello = codec::encode(&Hello {
        protocol: PROTOCOL,
        build: BUILD.to_owned(),
    })?;
    let greeting = async {
        (&stream)
            .write_all(&MAGIC)
            .await
            .map_err(FrameError::from)?;
        write_frame(&mut &stream, &hello).await?;
        read_frame(&mut &stream, PATIENCE_INSIDE_MESSAGE).await
    };
    let frame = match timeout(HANDSHAKE_PATIENCE, greeting).await {
        Err(_) => return Err(ClientError::StartTimeout(HANDSHAKE_PATIENCE)),
        Ok(Ok(Some(frame))) => frame,
        // A daemon that leaves closes its socket with connections still waiting in it.
        Ok(Ok(None)) => return Err(ClientError::Closed),
        Ok(Err(FrameError::Io(error))) if is_disconnect(&error) => {
            return Err(ClientError::Closed);
        }
        Ok(Err(error)) => return Err(ClientError::Handshake(error.to_string())),
    };
    match codec::decode::<Result<Welcome, ErrorReply>>(&frame) {
        Ok(Ok(welcome)) if welcome.protocol == PROTOCOL => {}
        Ok(Ok(welcome)) => return Err(ClientError::Handshake(mismatch(&welcome))),
        Ok(Err(refusal)) => return Err(ClientError::Handshake(refusal.message)),
        Err(error) => return Err(ClientError::Handshake(error.to_string())),
    }
    let calls = Arc::default();
    let stream = Arc::new(stream);
    let (outbox, requests) = mpsc::unbounded_channel();
    let reader = tokio::spawn(read_replies(Arc::clone(&stream), Arc::clone(&calls)));
    let writer = tokio::spawn(write_requests(stream, requests, Arc::clone(&calls)));
    Ok(Client {
        calls,
        outbox,
        next_id: AtomicU64::new(1),
        reader,
        writer,
    })
}

/// Asks whatever daemon is at `endpoint` to finish what runs and leave, and waits until it has: the
/// daemon keeps the connection that asked until its process ends.
///
/// In the JSON protocol, so that it works across builds that do not understand each other.
///
/// # Errors
///
/// [`ClientError::NotRunning`] when nobody listens there; see [`ClientError`] for the others.
pub async fn stop(endpoint: &Endpoint) -> Result<(), ClientError> {
    let stream = open(endpoint).await?;
    let farewell = async {
        (&stream).write_all(b"{\"command\":\"shutdown\"}\n").await?;
        (&stream).read_to_end(&mut Vec::new()).await
    };
    match farewell.await {
        Ok(_) => Ok(()),
        Err(error) if is_disconnect(&error) => Ok(()),
        Err(error) => Err(ClientError::Frame(error.into())),
    }
}

async fn open(endpoint: &Endpoint) -> Result<Stream, ClientError> {
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

fn is_disconnect(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof
            // The daemon's backlog was full when the connection was made.
            | io::ErrorKind::NotConnected
    )
}

fn mismatch(welcome: &Welcome) -> String {
    format!(
        "this client (build {BUILD}) speaks protocol {PROTOCOL}, the daemon (build {}) speaks protocol {}",
        welcome.build, welcome.protocol
    )
}

/// Hands each reply to the call that waits for it, until the connection ends.
async fn read_replies(stream: Arc<Stream>, calls: Arc<Mutex<Calls>>) {
    let mut receive = BufReader::new(&*stream);
    while let Ok(Some(frame)) = read_frame(&mut receive, PATIENCE_INSIDE_MESSAGE).await {
        let Ok((id, outcome)) = codec::decode::<ReplyEnvelope>(&frame) else {
            break;
        };
        // A caller that has given up is no longer there to be told.
        if let Some(caller) = lock(&calls).waiting.remove(&id) {
            drop(caller.send(outcome));
        }
    }
    close(&calls);
}

/// Writes requests one after the other. A task of its own, so that a call that is dropped cannot
/// leave half a frame behind.
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

impl Client {
    /// Sends one request and waits for its reply.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] with the daemon's error, or what went wrong on the way.
    pub(super) async fn call(&self, request: &Request) -> Result<Reply, ClientError> {
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

    /// Whether the connection has ended.
    pub(super) fn is_closed(&self) -> bool {
        lock(&self.calls).closed
    }
}
