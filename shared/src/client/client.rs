//! The client: connects when a call needs it, and again after the daemon has exited.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::Mutex;
use tokio::time::sleep;

use super::autostart::{Connected, connect, connect_or_start};
use super::connection::Connection;
use super::error::ClientError;
use super::notice::Notice;
use super::upgrade::{stop_if_idle, tell_once};
use crate::endpoint::{AnsweringModel, Endpoint};
use crate::version::VERSION;
use crate::wire::{Call, ErrorCode, Reply, Request};

/// Pause after the first refusal of a daemon that is busy. The daemon has let the request wait
/// before it refused it.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Behavior if no daemon is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Start one and wait until it answers. A daemon of another version is replaced if nobody uses
    /// it, and the user is told once if somebody does.
    IfNeeded,
    /// Fail with [`ClientError::NotRunning`].
    Never,
}

/// A client of the daemon. Calls take `&self` and may overlap.
///
/// A request that a busy daemon refuses is sent again until it is taken: a long job does not fail
/// because of others. A daemon may exit between two calls, and even between the handshake and a
/// request. Every request is idempotent, so a call whose connection ends before its reply is sent
/// once more on a new connection.
pub struct Client {
    endpoint: Endpoint,
    start: Start,
    notify: Box<dyn Fn(&Notice) + Send + Sync>,
    connection: Mutex<Option<Arc<Connection>>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.endpoint.path().display())
    }
}

impl Client {
    /// Creates a client that is not connected yet, and passes notices over.
    #[must_use]
    pub fn new(endpoint: Endpoint, start: Start) -> Self {
        Self::with_notices(endpoint, start, |_| {})
    }

    /// Creates a client that is not connected yet. `notify` receives what the user should know.
    #[must_use]
    pub fn with_notices(
        endpoint: Endpoint,
        start: Start,
        notify: impl Fn(&Notice) + Send + Sync + 'static,
    ) -> Self {
        Self {
            endpoint,
            start,
            notify: Box::new(notify),
            connection: Mutex::default(),
        }
    }

    /// Returns true if the next call needs no new connection.
    pub async fn is_connected(&self) -> bool {
        let connection = self.connection.lock().await;
        connection
            .as_ref()
            .is_some_and(|connection| !connection.is_closed())
    }

    /// Sends one request and waits for its reply.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] with the daemon's error; see [`ClientError`] for the others.
    pub async fn call<C: Call>(&self, call: C) -> Result<C::Output, ClientError> {
        let reply = self.send(&call.into()).await?;
        C::output(reply).ok_or(ClientError::UnexpectedReply)
    }

    /// Closes the connection, so that the daemon drops the requests whose callers have left. A call
    /// that still waits is sent again, once.
    pub async fn disconnect(&self) {
        drop(self.connection.lock().await.take());
    }

    /// Sends a request, again if the connection ends, and later if the daemon is busy.
    async fn send(&self, request: &Request) -> Result<Reply, ClientError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let done = match self.connection().await?.send(request).await {
                Err(ClientError::Closed) => match self.connection().await {
                    Ok(again) => again.send(request).await,
                    // The daemon has ended, maybe by this request.
                    Err(ClientError::NotRunning(_)) => Err(ClientError::Closed),
                    Err(error) => Err(error),
                },
                done => done,
            };
            match done {
                Err(ClientError::Refused(reply)) if reply.code == ErrorCode::Overloaded => {
                    if pause == FIRST_PAUSE {
                        (self.notify)(&Notice::Busy);
                    }
                    sleep(spread(pause)).await;
                    pause = (2 * pause).min(LONGEST_PAUSE);
                }
                done => return done,
            }
        }
    }

    async fn connection(&self) -> Result<Arc<Connection>, ClientError> {
        let mut connection = self.connection.lock().await;
        match &*connection {
            Some(open) if !open.is_closed() => Ok(Arc::clone(open)),
            _ => {
                let made = match self.start {
                    Start::IfNeeded => self.connect().await?,
                    Start::Never => connect(&self.endpoint).await?,
                };
                Ok(Arc::clone(connection.insert(Arc::new(made))))
            }
        }
    }

    /// Connects to a daemon of this version if that is possible, and tells the user if it is not,
    /// and if another model answers than before a crash.
    async fn connect(&self) -> Result<Connection, ClientError> {
        let (endpoint, notify) = (&self.endpoint, &*self.notify);
        let replaced = match connect_or_start(endpoint, notify).await {
            Ok(Connected { open, crashed }) if open.version() == VERSION => {
                self.tell_of_crash(crashed);
                return Ok(open);
            }
            Ok(Connected { open, .. }) => {
                let (version, pid) = (open.version().to_owned(), open.pid());
                drop(open);
                let replaced = stop_if_idle(endpoint, notify).await?;
                if replaced.is_none() {
                    tell_once(endpoint, &version, pid, notify);
                }
                replaced
            }
            Err(mismatch @ ClientError::Mismatch(_)) => {
                match stop_if_idle(endpoint, notify).await? {
                    None => return Err(mismatch),
                    replaced => replaced,
                }
            }
            Err(error) => return Err(error),
        };
        let open = connect_or_start(endpoint, notify).await?.open;
        if let Some(version) = replaced.filter(|version| version != VERSION)
            && open.version() == VERSION
        {
            notify(&Notice::Replaced { version });
        }
        Ok(open)
    }

    /// Tells the user if another model answers now than the one that answered before a crash.
    fn tell_of_crash(&self, crashed: Option<AnsweringModel>) {
        if let Some(before) = crashed
            && let Some(now) = self.endpoint.holder().and_then(|holder| holder.model)
            && now != before
        {
            (self.notify)(&Notice::OtherModel { before, now });
        }
    }
}

/// A pause up to half as long again, so that clients that were refused together return one by one.
fn spread(pause: Duration) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    // A clock before 1970 spreads nothing.
    let nanos = now.map_or(0, |now| now.subsec_nanos());
    pause + pause.mul_f64(f64::from(nanos % 1000) / 2000.0)
}
