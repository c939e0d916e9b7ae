//! A client's line to the daemon: connected when it is needed, and again when the daemon has gone.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::autostart::connect_or_start;
use super::connection::{Client, connect};
use super::error::ClientError;
use crate::endpoint::Endpoint;
use crate::wire::{Computed, Embedding, ModelCard, PairScore, Ranking, Reply, Request, Status};

/// What to do when no daemon is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Start one and wait until it answers.
    IfNeeded,
    /// Fail with [`ClientError::NotRunning`].
    Never,
}

/// A line to the daemon. Calls take `&self` and may overlap.
///
/// A daemon may leave between two calls, and even between a greeting and a request. No request
/// changes anything that repeating it would change again, so a call whose connection ends before
/// its reply is made once more on a new connection.
#[derive(Debug)]
pub struct Link {
    endpoint: Endpoint,
    start: Start,
    client: Mutex<Option<Arc<Client>>>,
}

impl Link {
    /// A line that is not connected yet.
    #[must_use]
    pub fn new(endpoint: Endpoint, start: Start) -> Self {
        Self {
            endpoint,
            start,
            client: Mutex::default(),
        }
    }

    /// Whether the next call can be made without connecting first.
    pub async fn is_connected(&self) -> bool {
        let client = self.client.lock().await;
        client.as_ref().is_some_and(|client| !client.is_closed())
    }

    async fn client(&self) -> Result<Arc<Client>, ClientError> {
        let mut client = self.client.lock().await;
        match &*client {
            Some(client) if !client.is_closed() => Ok(Arc::clone(client)),
            _ => {
                let made = match self.start {
                    Start::IfNeeded => connect_or_start(&self.endpoint).await?,
                    Start::Never => connect(&self.endpoint).await?,
                };
                Ok(Arc::clone(client.insert(Arc::new(made))))
            }
        }
    }

    /// Sends one request and waits for its reply.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] with the daemon's error, or what went wrong on the way.
    pub async fn call(&self, request: &Request) -> Result<Reply, ClientError> {
        match self.client().await?.call(request).await {
            Err(ClientError::Closed) => self.client().await?.call(request).await,
            done => done,
        }
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
        match self.call(&Request::Similarity { a, b }).await? {
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
        match self.call(&Request::Similarities { pairs }).await? {
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
        match self.call(&Request::Rank { query, texts }).await? {
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
        match self.call(&Request::Embed { texts }).await? {
            Reply::Embeddings(computed) => Ok(computed),
            _ => Err(ClientError::UnexpectedReply),
        }
    }

    /// Has the daemon answer with another model from now on; returns once it does.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub async fn use_model(&self, model: String) -> Result<ModelCard, ClientError> {
        match self.call(&Request::Use { model }).await? {
            Reply::Using(model) => Ok(model),
            _ => Err(ClientError::UnexpectedReply),
        }
    }

    /// What the daemon is doing.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub async fn status(&self) -> Result<Status, ClientError> {
        match self.call(&Request::Status).await? {
            Reply::Status(status) => Ok(status),
            _ => Err(ClientError::UnexpectedReply),
        }
    }
}
