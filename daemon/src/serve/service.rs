//! The service: the state that all sessions share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use gte_shared::wire::{DiskCacheStatus, ErrorCode, ErrorReply, ModelInfo};
use tokio::sync::watch;

use super::activity::{Activity, Working};
use super::admission::Admission;
use super::limits::Limits;
use super::metrics::Metrics;
use super::recent::Recent;
use super::second::Second;
use super::selected::{Loaded, Models, Selected};
use super::started_by::StartedBy;
use crate::engine::CallerId;

/// The state that all sessions share.
pub struct Service {
    selected: RwLock<Arc<Selected>>,
    models: Arc<dyn Models>,
    second: Arc<Second>,
    /// Lock that is held while a model is loaded: one model is loaded at a time.
    loading: Arc<tokio::sync::Mutex<()>>,
    limits: Limits,
    drain_timeout: Mutex<Duration>,
    admission: Arc<Admission>,
    started_by: StartedBy,
    callers: AtomicU64,
    /// Requests that have come so far.
    numbered: AtomicU64,
    stopping: watch::Sender<bool>,
    /// True once an engine has ended by itself.
    failed: AtomicBool,
    activity: Activity,
    recent: Recent,
    metrics: Arc<Metrics>,
    started: Instant,
    started_at: SystemTime,
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
        let loading: Arc<tokio::sync::Mutex<()>> = Arc::default();
        let metrics: Arc<Metrics> = Arc::default();
        metrics.count_load(&loaded.model.id, loaded.load_time);
        let second = Second::new(
            Arc::clone(&models),
            Arc::clone(&metrics),
            Arc::clone(&loading),
            limits.admission_timeout,
        );
        Self {
            selected: RwLock::new(Arc::new(Selected::loaded(Arc::new(loaded)))),
            second,
            models,
            loading,
            limits,
            drain_timeout: Mutex::new(limits.drain_timeout),
            admission: Admission::new(
                limits.frame_bytes,
                limits.request_bytes,
                limits.admission_timeout,
            ),
            started_by,
            callers: AtomicU64::new(0),
            numbered: AtomicU64::new(0),
            stopping: watch::Sender::new(false),
            failed: AtomicBool::new(false),
            activity: Activity::new(),
            recent: Recent::new(),
            metrics,
            started: Instant::now(),
            started_at: SystemTime::now(),
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

    /// Time for pending requests to be answered after the service has stopped.
    #[must_use]
    pub fn drain_timeout(&self) -> Duration {
        *lock(&self.drain_timeout)
    }

    /// Changes the time for pending requests.
    pub fn set_drain_timeout(&self, timeout: Duration) {
        *lock(&self.drain_timeout) = timeout;
    }

    /// Time since the last request for work was done; `None` while one is at work.
    #[must_use]
    pub fn idle_time(&self) -> Option<Duration> {
        self.activity.idle_time()
    }

    /// Models that compute now, each by a number of its own, and the batches of each so far.
    #[must_use]
    pub fn batches_of_busy(&self) -> Vec<(u64, u64)> {
        let busy = |loaded: Arc<Loaded>| {
            let batches = loaded.engine.batches_if_busy()?;
            Some((loaded.engine.number(), batches))
        };
        self.loaded().into_iter().filter_map(busy).collect()
    }

    /// The models that are loaded, the selected one first.
    pub(super) fn loaded(&self) -> Vec<Arc<Loaded>> {
        let selected = self.selected().get().map(Arc::clone);
        selected.into_iter().chain(self.second.all()).collect()
    }

    /// Number of texts waiting or being computed now.
    pub(super) fn pending_texts(&self) -> usize {
        let loaded = self.loaded();
        loaded.iter().map(|of| of.engine.pending_texts()).sum()
    }

    /// State of the daemon in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let selected = self.selected();
        let second = self.second.get();
        let second = second.map_or_else(String::new, |second| format!(" and {}", second.model.id));
        format!(
            "{} ({}){}{second}; {} connections, {} texts pending, {} requests answered",
            selected.model.id,
            selected.model.precision.name(),
            if selected.get().is_some() {
                ""
            } else {
                ", unloaded"
            },
            self.connections.load(Ordering::Relaxed),
            self.pending_texts(),
            self.requests.load(Ordering::Relaxed),
        )
    }

    /// Records a request at work.
    pub(super) fn begin_work(&self) -> Working {
        self.activity.begin()
    }

    /// Bounds on the memory of requests.
    pub(super) fn admission(&self) -> &Arc<Admission> {
        &self.admission
    }

    /// Identity of a new connection as a caller of the engine.
    pub(super) fn new_caller(&self) -> CallerId {
        CallerId(self.callers.fetch_add(1, Ordering::Relaxed))
    }

    /// Number of a new request.
    pub(super) fn new_request(&self) -> u64 {
        self.numbered.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Origin of the daemon.
    pub(super) fn started_by(&self) -> StartedBy {
        self.started_by
    }

    /// Returns true once the service stops.
    pub(super) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Waits until the service stops.
    pub async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender lives as long as `self`.
        drop(stopping.wait_for(|stopping| *stopping).await);
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// Returns the selected model. A caller keeps its model even if another one is selected
    /// meanwhile.
    pub(super) fn selected(&self) -> Arc<Selected> {
        // The value is only replaced as a whole, so a panic elsewhere does not spoil it.
        let selected = self.selected.read();
        Arc::clone(&selected.unwrap_or_else(PoisonError::into_inner))
    }

    fn select(&self, selected: Selected) {
        let now = self.selected.write();
        *now.unwrap_or_else(PoisonError::into_inner) = Arc::new(selected);
    }

    /// Puts `new` in the place of `old`, unless another model has been selected meanwhile.
    fn replace(&self, old: &Selected, new: Selected) {
        let now = self.selected.write();
        let mut now = now.unwrap_or_else(PoisonError::into_inner);
        if std::ptr::eq(Arc::as_ptr(&now), old) {
            *now = Arc::new(new);
        }
    }

    /// Unloads the model. The next request loads it again. Returns false if it was not loaded.
    pub fn unload(&self) -> bool {
        let selected = self.selected();
        if selected.get().is_none() {
            return false;
        }
        self.replace(&selected, Selected::unloaded(selected.model.clone()));
        true
    }

    /// The model that requests of this name go to, beside the selected one.
    pub(super) fn second(&self) -> &Arc<Second> {
        &self.second
    }

    /// Sets the idle time after which models are unloaded, of the second one.
    pub fn set_idle_unload(&self, limit: Option<Duration>) {
        self.second.set_idle_unload(limit);
    }

    /// Loads a selected model that was unloaded.
    pub(super) async fn load(&self, selected: &Selected) -> Result<Arc<Loaded>, ErrorReply> {
        let load = async {
            let only_one = Arc::clone(&self.loading).lock_owned().await;
            let now = self.selected();
            if let Some(other) = now.get()
                && !std::ptr::eq(Arc::as_ptr(&now), selected)
            {
                // Another model was selected while this request waited for the lock.
                return Ok(Arc::clone(other));
            }
            let models = Arc::clone(&self.models);
            let loading = tokio::task::spawn_blocking(move || {
                let loaded = models.load_again();
                drop(only_one);
                loaded
            });
            let loaded = Arc::new(loading.await.map_err(|_| loading_panicked())??);
            self.metrics.count_load(&loaded.model.id, loaded.load_time);
            if loaded.model != selected.model {
                // The files of the model have been replaced.
                self.replace(selected, Selected::loaded(Arc::clone(&loaded)));
            }
            Ok(loaded)
        };
        selected.get_or_load(load).await
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
        using.await.map_err(|_| loading_panicked())?
    }

    async fn load_and_select(&self, name: String) -> Result<ModelInfo, ErrorReply> {
        let models = Arc::clone(&self.models);
        let loading = tokio::task::spawn_blocking(move || models.use_model(&name));
        let loaded = loading.await.map_err(|_| loading_panicked())??;
        self.metrics.count_load(&loaded.model.id, loaded.load_time);
        let model = loaded.model.clone();
        tracing::info!(model = model.id, "model selected");
        self.select(Selected::loaded(Arc::new(loaded)));
        // It answers as the selected one from now on.
        self.second.unload(&model.id);
        Ok(model)
    }

    /// Counts an answered request and the texts that were embedded for it.
    pub(super) fn count_request(&self, texts: usize) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.texts.fetch_add(texts as u64, Ordering::Relaxed);
    }

    /// The models that can be loaded.
    pub(super) fn models(&self) -> &Arc<dyn Models> {
        &self.models
    }

    /// Waits until a shared cache has kept all new vectors, for `longest` at most.
    pub async fn settle(&self, longest: Duration) {
        if let Some(cache) = self.models.shared_cache() {
            cache.settle(longest).await;
        }
    }

    /// State of the vectors on disk.
    pub(super) fn disk_cache(&self) -> Option<DiskCacheStatus> {
        self.models.disk_cache()
    }

    /// Counters since the start, for monitoring.
    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Latency and rate of the most recent requests.
    pub(super) fn recent(&self) -> &Recent {
        &self.recent
    }

    /// Counts a connection until the returned value is dropped.
    pub(super) fn count_connection(self: &Arc<Self>) -> CountedConnection {
        self.connections.fetch_add(1, Ordering::Relaxed);
        CountedConnection(Arc::clone(self))
    }

    /// Time of the start, in seconds since 1970.
    pub(super) fn start_time(&self) -> u64 {
        let since = self.started_at.duration_since(UNIX_EPOCH);
        since.unwrap_or_default().as_secs()
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

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    // Values that are replaced as a whole: a panic elsewhere does not spoil them.
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

fn loading_panicked() -> ErrorReply {
    ErrorReply::new(ErrorCode::Internal, "loading the model panicked")
}
