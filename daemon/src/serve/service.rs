//! The state that all sessions share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use gte_shared::wire::{ErrorCode, ErrorReply, ModelInfo, STALL_TIMEOUT};
use tokio::sync::{Mutex, watch};

use crate::engine::Engine;

/// Limits of the sessions.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time; further ones wait until one is closed. Each costs a file descriptor, of
    /// which a process has 1,024 by default.
    pub connections: usize,
    /// Requests of one connection at a time; further ones are read when one is answered.
    pub requests_in_flight: usize,
    /// Time that a new connection may take for its opening and its handshake.
    pub handshake_timeout: Duration,
    /// Pause of a client inside a message, sending or receiving.
    pub stall_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            requests_in_flight: 64,
            handshake_timeout: Duration::from_secs(10),
            stall_timeout: STALL_TIMEOUT,
        }
    }
}

/// A model at work.
pub struct Loaded {
    /// Engine that runs it.
    pub engine: Engine,
    /// Description for clients.
    pub model: ModelInfo,
}

/// The models that a client can ask for.
pub trait Models: Send + Sync {
    /// Loads a model and makes it the one that is used after the next start. Takes its time.
    ///
    /// # Errors
    ///
    /// As the client is told.
    fn use_model(&self, name: &str) -> Result<Loaded, ErrorReply>;
}

/// The state that all sessions share.
pub struct Service {
    selected: RwLock<Arc<Loaded>>,
    models: Arc<dyn Models>,
    /// Held while a model is loaded, so that only one is at a time.
    loading: Mutex<()>,
    limits: Limits,
    stopping: watch::Sender<bool>,
    started: Instant,
    connections: AtomicU64,
    requests: AtomicU64,
    texts: AtomicU64,
}

/// Counters of a service.
pub(super) struct Counters {
    pub(super) uptime: Duration,
    pub(super) connections: u64,
    pub(super) requests: u64,
    pub(super) texts: u64,
}

impl Service {
    /// A service that answers with `loaded`, and with others of `models` when a client asks for them.
    #[must_use]
    pub fn new(loaded: Loaded, models: Arc<dyn Models>, limits: Limits) -> Self {
        Self {
            selected: RwLock::new(Arc::new(loaded)),
            models,
            loading: Mutex::new(()),
            limits,
            stopping: watch::Sender::new(false),
            started: Instant::now(),
            connections: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            texts: AtomicU64::new(0),
        }
    }

    /// Tells all sessions to finish what runs and end, and the listener to accept no more.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Returns once the service is told to stop.
    pub(super) async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender lives as long as `self`.
        drop(stopping.wait_for(|stopping| *stopping).await);
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// The model that answers now. A caller that holds it goes on with it if another takes its place.
    pub(super) fn selected(&self) -> Arc<Loaded> {
        // Only ever replaced as a whole, so a panic elsewhere does not spoil it.
        let selected = self.selected.read();
        Arc::clone(&selected.unwrap_or_else(PoisonError::into_inner))
    }

    /// Loads another model and has it answer from now on. Until then requests are answered with the one
    /// that is there.
    pub(super) async fn use_model(&self, name: String) -> Result<ModelInfo, ErrorReply> {
        let _only_one = self.loading.lock().await;
        let models = Arc::clone(&self.models);
        let loading = tokio::task::spawn_blocking(move || models.use_model(&name));
        let panicked = |_| ErrorReply::new(ErrorCode::Internal, "loading the model panicked");
        let loaded = loading.await.map_err(panicked)??;
        let model = loaded.model.clone();
        tracing::info!(model = model.id, "model selected");
        let mut selected = self
            .selected
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *selected = Arc::new(loaded);
        Ok(model)
    }

    /// Counts an answered request and the texts that were embedded for it.
    pub(super) fn count_request(&self, texts: usize) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.texts.fetch_add(texts as u64, Ordering::Relaxed);
    }

    pub(super) fn connection_opened(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn connection_closed(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn counters(&self) -> Counters {
        Counters {
            uptime: self.started.elapsed(),
            connections: self.connections.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            texts: self.texts.load(Ordering::Relaxed),
        }
    }
}
