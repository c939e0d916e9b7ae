//! The service: the state that all sessions share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use gte_shared::wire::{ErrorCode, ErrorReply, ModelInfo, STALL_TIMEOUT};
use tokio::sync::{Mutex, watch};

use super::admission::Admission;
use crate::engine::{CallerId, Engine};

/// Limits of the sessions.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most connections at a time; further ones wait until one is closed. Each needs a file
    /// descriptor, of which a process has 1,024 by default.
    pub connections: usize,
    /// Most requests of one connection at a time; further ones are read when one is answered.
    pub requests_in_flight: usize,
    /// Most bytes of requests that are being read or wait, in all connections; further ones are
    /// read when there is room.
    pub frame_bytes: usize,
    /// Most memory of requests at work, in all connections: texts, token ids, vectors and replies,
    /// until the replies are written. Further requests wait.
    pub request_bytes: usize,
    /// Longest wait of a request for those of other connections.
    pub admission_timeout: Duration,
    /// Timeout of a new connection, from its opening to the end of the handshake.
    pub handshake_timeout: Duration,
    /// Longest pause of a client inside a message, sending or receiving.
    pub stall_timeout: Duration,
    /// Time for pending requests to be answered after the service has stopped.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            requests_in_flight: 64,
            // Four of the largest, and the shares of smaller ones.
            frame_bytes: 86 << 20,
            // One of the largest with a model of 512 dimensions, or six of 8,000 vectors, and the
            // shares of smaller ones.
            request_bytes: 384 << 20,
            admission_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(10),
            stall_timeout: STALL_TIMEOUT,
            drain_timeout: Duration::from_secs(30),
        }
    }
}

/// Origin of a daemon, for its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartedBy {
    /// A client, which has detached it.
    Client,
    /// Anything else: a shell, a service manager.
    Other,
}

/// A loaded model.
pub struct Loaded {
    /// Engine that runs the model.
    pub engine: Engine,
    /// Description of the model for clients.
    pub model: ModelInfo,
}

/// The models that a client can select.
pub trait Models: Send + Sync {
    /// Loads a model, and selects it for the next start of the daemon. Blocks for seconds.
    ///
    /// # Errors
    ///
    /// The reply to the client, if the model is unknown, not installed, or unusable.
    fn use_model(&self, name: &str) -> Result<Loaded, ErrorReply>;
}

/// The state that all sessions share.
pub struct Service {
    selected: RwLock<Arc<Loaded>>,
    models: Arc<dyn Models>,
    /// Lock that is held while a model is loaded: one model is loaded at a time.
    loading: Arc<Mutex<()>>,
    limits: Limits,
    admission: Arc<Admission>,
    started_by: StartedBy,
    callers: AtomicU64,
    stopping: watch::Sender<bool>,
    /// True once an engine has ended by itself.
    failed: AtomicBool,
    started: Instant,
    connections: AtomicU64,
    requests: AtomicU64,
    texts: AtomicU64,
}

/// A connection that is counted until this value is dropped, even by a panic.
pub(super) struct CountedConnection(Arc<Service>);

impl Drop for CountedConnection {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counters of a service.
pub(super) struct Counters {
    pub(super) uptime: Duration,
    pub(super) connections: u64,
    pub(super) requests: u64,
    pub(super) texts: u64,
}

impl Service {
    /// Creates a service that answers with `loaded` until a client selects another of `models`.
    #[must_use]
    pub fn new(
        loaded: Loaded,
        models: Arc<dyn Models>,
        limits: Limits,
        started_by: StartedBy,
    ) -> Self {
        Self {
            selected: RwLock::new(Arc::new(loaded)),
            models,
            loading: Arc::default(),
            limits,
            admission: Admission::new(
                limits.frame_bytes,
                limits.request_bytes,
                limits.admission_timeout,
            ),
            started_by,
            callers: AtomicU64::new(0),
            stopping: watch::Sender::new(false),
            failed: AtomicBool::new(false),
            started: Instant::now(),
            connections: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            texts: AtomicU64::new(0),
        }
    }

    /// Stops the service: sessions answer their pending requests and end, and the listener closes.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Stops the service because an engine has ended by itself.
    pub(super) fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
        self.stop();
    }

    /// Returns true if an engine has ended by itself, so that the process must end with an error.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Bounds on the memory of requests.
    pub(super) fn admission(&self) -> &Arc<Admission> {
        &self.admission
    }

    /// Identity of a new connection as a caller of the engine.
    pub(super) fn new_caller(&self) -> CallerId {
        CallerId(self.callers.fetch_add(1, Ordering::Relaxed))
    }

    /// Origin of the daemon.
    pub(super) fn started_by(&self) -> StartedBy {
        self.started_by
    }

    /// Waits until the service stops.
    pub(super) async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender lives as long as `self`.
        drop(stopping.wait_for(|stopping| *stopping).await);
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// Returns the selected model. A caller keeps its model even if another one is selected
    /// meanwhile.
    pub(super) fn selected(&self) -> Arc<Loaded> {
        // The value is only replaced as a whole, so a panic elsewhere does not spoil it.
        let selected = self.selected.read();
        Arc::clone(&selected.unwrap_or_else(PoisonError::into_inner))
    }

    /// Loads a model and selects it. Until it is loaded, the previous model answers. Once the
    /// loading has begun, it goes on if the caller leaves, since the selection for the next start
    /// may be written already.
    pub(super) async fn use_model(self: Arc<Self>, name: String) -> Result<ModelInfo, ErrorReply> {
        let only_one = Arc::clone(&self.loading).lock_owned().await;
        let using = tokio::spawn(async move {
            let used = self.load_and_select(name).await;
            drop(only_one);
            used
        });
        let panicked = |_| ErrorReply::new(ErrorCode::Internal, "loading the model panicked");
        using.await.map_err(panicked)?
    }

    async fn load_and_select(&self, name: String) -> Result<ModelInfo, ErrorReply> {
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

    /// Counts a connection until the returned value is dropped.
    pub(super) fn count_connection(self: &Arc<Self>) -> CountedConnection {
        self.connections.fetch_add(1, Ordering::Relaxed);
        CountedConnection(Arc::clone(self))
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
