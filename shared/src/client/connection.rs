//! One connection to the daemon, with any number of requests in flight.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use interprocess::local_socket::tokio::{Stream, prelude::*};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::ClientError;
use crate::BUILD;
use crate::endpoint::Endpoint;
use crate::wire::codec;
use crate::wire::frame::{FrameError, PATIENCE_INSIDE_MESSAGE, read_frame, write_frame};
use crate::wire::{
    Computed, Embedding, ErrorReply, Hello, MAGIC, PROTOCOL, PairScore, Ranking, Reply,
    ReplyEnvelope, Request, Status, Welcome,
};

/// How long the daemon may take to greet: it does so once its model is loaded.
const HANDSHAKE_PATIENCE: Duration = Duration::from_mins(1);

/// A connection that has shaken hands.
///
/// Calls take `&self` and may overlap; each gets the reply to its own request. A call may be dropped:
/// its reply is then thrown away, and if its request was only half written, the connection is
/// given up. Dropping the client closes the connection.
#[derive(Debug)]
pub struct Client {
    inner: Arc<Inner>,
    reader: JoinHandle<()>,
}

#[derive(Debug)]
struct Inner {
    stream: Stream,
    /// Held while a frame is written, so that frames do not mix.
    turn_to_write: tokio::sync::Mutex<()>,
    calls: Mutex<Calls>,
    next_id: AtomicU64,
}

#[derive(Debug, Default)]
struct Calls {
    waiting: HashMap<u64, oneshot::Sender<Result<Reply, ErrorReply>>>,
    /// The reader has ended, so nobody would answer a new call.
    closed: bool,
}

impl Inner {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        // The map is whole between any two statements, so a panic elsewhere does not spoil it.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        let mut calls = self.calls();
        calls.closed = true;
        // Dropping the senders tells every waiting caller.
        calls.waiting.clear();
    }

    async fn write(&self, frame: &[u8]) -> Result<(), FrameError> {
        let _turn = self.turn_to_write.lock().await;
        let half_written = CloseOnDrop(self);
        let written = write_frame(&mut &self.stream, frame).await;
        std::mem::forget(half_written);
        written
    }
}

/// Gives the connection up when a write is dropped in its middle: whatever came next would be read
/// as the rest of that frame.
struct CloseOnDrop<'a>(&'a Inner);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Connects to the daemon at `endpoint` and shakes hands.
///
/// # Errors
///
/// [`ClientError::NotRunning`] when nobody listens there; see [`ClientError`] for the others.
pub async fn connect(endpoint: &Endpoint) -> Result<Client, ClientError> {
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
    let inner = Arc::new(Inner {
        stream,
        turn_to_write: tokio::sync::Mutex::default(),
        calls: Mutex::default(),
        next_id: AtomicU64::new(1),
    });
    let reader = tokio::spawn(read_replies(Arc::clone(&inner)));
    Ok(Client { inner, reader })
}

/// Asks whatever daemon is at `endpoint` to finish what runs and leave, and waits until it has.
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
        // The daemon closes its connections as the last thing it does.
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
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof
    )
}

fn mismatch(welcome: &Welcome) -> String {
    format!(
        "this client (build {BUILD}) speaks protocol {PROTOCOL}, the daemon (build {}) speaks protocol {}",
        welcome.build, welcome.protocol
    )
}

/// Hands each reply to the call that waits for it, until the connection ends.
async fn read_replies(inner: Arc<Inner>) {
    let mut receive = BufReader::new(&inner.stream);
    while let Ok(Some(frame)) = read_frame(&mut receive, PATIENCE_INSIDE_MESSAGE).await {
        let Ok((id, outcome)) = codec::decode::<ReplyEnvelope>(&frame) else {
            break;
        };
        // A caller that has given up is no longer there to be told.
        if let Some(caller) = inner.calls().waiting.remove(&id) {
            drop(caller.send(outcome));
        }
    }
    inner.close();
}

impl Client {
    /// Sends one request and waits for its reply.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] with the daemon's error, or what went wrong on the way.
    pub async fn call(&self, request: Request) -> Result<Reply, ClientError> {
        let id = self.inner.next_id.fetch_add(1, Ordering::Relaxed);
        let frame = codec::encode(&(id, request))?;
        let (sender, receiver) = oneshot::channel();
        {
            let mut calls = self.inner.calls();
            if calls.closed {
                return Err(ClientError::Closed);
            }
            calls.waiting.insert(id, sender);
        }
        if let Err(error) = self.inner.write(&frame).await {
            self.inner.calls().waiting.remove(&id);
            return Err(match error {
                FrameError::TooLarge { .. } => ClientError::RequestTooLarge(frame.len()),
                FrameError::Io(error) if is_disconnect(&error) => ClientError::Closed,
                error => ClientError::Frame(error),
            });
        }
        Ok(receiver.await.map_err(|_| ClientError::Closed)??)
    }

    /// How similar two texts are.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub async fn similarity(
        &self,
        a: String,
        b: String,
    ) -> Result<Computed<PairScore>, ClientError> {
        match self.call(Request::Similarity { a, b }).await? {
            Reply::Similarity(computed) => Ok(computed),
            _ => Err(ClientError::UnexpectedReply),
        }
    }

    /// The same for many pairs, in their order.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub async fn similarities(
        &self,
        pairs: Vec<(String, String)>,
    ) -> Result<Computed<Vec<PairScore>>, ClientError> {
        match self.call(Request::Similarities { pairs }).await? {
            Reply::Similarities(computed) => Ok(computed),
            _ => Err(ClientError::UnexpectedReply),
        }
    }

    /// One text against many, best first.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub async fn rank(
        &self,
        query: String,
        texts: Vec<String>,
    ) -> Result<Computed<Ranking>, ClientError> {
        match self.call(Request::Rank { query, texts }).await? {
            Reply::Ranking(computed) => Ok(computed),
            _ => Err(ClientError::UnexpectedReply),
        }
    }

    /// The vectors of texts, in their order.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub async fn embed(&self, texts: Vec<String>) -> Result<Computed<Vec<Embedding>>, ClientError> {
        match self.call(Request::Embed { texts }).await? {
            Reply::Embeddings(computed) => Ok(computed),
            _ => Err(ClientError::UnexpectedReply),
        }
    }

    /// What the daemon is doing.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub async fn status(&self) -> Result<Status, ClientError> {
        match self.call(Request::Status).await? {
            Reply::Status(status) => Ok(status),
            _ => Err(ClientError::UnexpectedReply),
        }
    }
}
