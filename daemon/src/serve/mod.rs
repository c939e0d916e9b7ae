//! How requests come in: connections, sessions in either protocol, one handler a request.
//!
//! Architecture invariant: this part knows no model; it calls the [`engine`](crate::engine).

mod handler;
mod json;
mod listener;
mod session;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use gte_shared::wire::ModelCard;
use gte_shared::wire::frame::PATIENCE_INSIDE_MESSAGE;
use tokio::sync::{Mutex, watch};

use crate::engine::Engine;
pub use listener::{BindError, bind, serve};

/// What the sessions may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time; further ones wait until one is free. Each costs a file descriptor,
    /// of which a process has 1,024 by custom.
    pub connections: usize,
    /// Requests of one connection at a time; further ones are read when one is answered.
    pub requests_in_flight: usize,
    /// How long a new connection may take to say what it wants.
    pub handshake: Duration,
    /// How long a client may pause inside a message, sending or receiving.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            requests_in_flight: 64,
            handshake: Duration::from_secs(10),
            patience: PATIENCE_INSIDE_MESSAGE,
        }
    }
}

/// A model at work.
pub struct Loaded {
    /// The engine that runs it.
    pub engine: Engine,
    /// What clients are told of it.
    pub model: ModelCard,
    /// Whether it is compiled into the program.
    pub embedded: bool,
}

/// Where another model comes from when a client asks for one.
pub trait Models: Send + Sync {
    /// Loads a model and has it used from the next start on. Takes its time.
    ///
    /// # Errors
    ///
    /// In words for the client.
    fn switch(&self, name: &str) -> Result<Loaded, String>;
}

/// What all sessions share.
pub struct Service {
    loaded: RwLock<Arc<Loaded>>,
    models: Arc<dyn Models>,
    /// Held while a model is loaded, so that no two are at a time.
    switching: Mutex<()>,
    limits: Limits,
    stopping: watch::Sender<bool>,
    started: Instant,
    connections: AtomicU64,
    requests: AtomicU64,
    texts: AtomicU64,
}

impl Service {
    /// A service that answers with `loaded`, and with others of `models` when it is told to.
    #[must_use]
    pub fn new(loaded: Loaded, models: Arc<dyn Models>, limits: Limits) -> Self {
        Self {
            loaded: RwLock::new(Arc::new(loaded)),
            models,
            switching: Mutex::new(()),
            limits,
            stopping: watch::Sender::new(false),
            started: Instant::now(),
            connections: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            texts: AtomicU64::new(0),
        }
    }

    /// Asks all sessions to finish what runs and end, and the listener to accept no more.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// The model that answers now. Whoever holds it goes on with it if another takes its place.
    fn loaded(&self) -> Arc<Loaded> {
        // Only ever replaced as a whole, so a panic elsewhere does not spoil it.
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&loaded)
    }

    /// Has another model answer from now on.
    fn replace(&self, loaded: Loaded) {
        let mut place = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        *place = Arc::new(loaded);
    }

    fn count(&self, requests: u64, texts: usize) {
        self.requests.fetch_add(requests, Ordering::Relaxed);
        self.texts.fetch_add(texts as u64, Ordering::Relaxed);
    }
}

/// Returns once the service is asked to stop.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // The sender lives in the service, which whoever waits here holds; if it were gone, that
    // would be the end as well.
    drop(stopping.wait_for(|stopping| *stopping).await);
}
