//! The client: connects when a call needs it, and again after the daemon has exited.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::autostart::connect_or_start;
use super::connection::Connection;
use super::error::ClientError;
use crate::endpoint::Endpoint;
use crate::wire::{Call, Reply, Request};

/// Behavior if no daemon is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Start one and wait until it answers.
    IfNeeded,
    /// Fail with [`ClientError::NotRunning`].
    Never,
}

/// A client of the daemon. Calls take `&self` and may overlap.
///
/// A daemon may exit between two calls, and even between the handshake and a request. Every request
/// is idempotent, so a call whose connection ends before its reply is sent once more on a new
/// connection.
#[derive(Debug)]
pub struct Client {
    endpoint: Endpoint,
    start: Start,
    connection: Mutex<Option<Arc<Connection>>>,
}

impl Client {
    /// Creates a client that is not connected yet.
    #[must_use]
    pub fn new(endpoint: Endpoint, start: Start) -> Self {
        Self {
            endpoint,
            start,
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

    async fn send(&self, request: &Request) -> Result<Reply, ClientError> {
        match self.connection().await?.send(request).await {
            Err(ClientError::Closed) => self.connection().await?.send(request).await,
            done => done,
        }
    }

    async fn connection(&self) -> Result<Arc<Connection>, ClientError> {
        let mut connection = self.connection.lock().await;
        match &*connection {
            Some(open) if !open.is_closed() => Ok(Arc::clone(open)),
            _ => {
                let made = match self.start {
                    Start::IfNeeded => connect_or_start(&self.endpoint).await?,
                    Start::Never => Connection::open(&self.endpoint).await?,
                };
                Ok(Arc::clone(connection.insert(Arc::new(made))))
            }
        }
    }
}
