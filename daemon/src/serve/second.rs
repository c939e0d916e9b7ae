//! The second model: one that requests name beside the selected one. There is one at a time, so
//! that its memory has a bound; it leaves when another one is named, or nobody uses it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gte_shared::wire::{ErrorCode, ErrorReply, ModelInfo};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use super::selected::{Loaded, Models};

/// Idle time after which the second model is unloaded, unless the selected one is after less:
/// somebody who compares two models asks again within minutes.
const SECOND_IDLE: Duration = Duration::from_mins(5);

/// A second model in memory.
pub(super) struct Guest {
    pub(super) loaded: Loaded,
    /// Room of the model, until its last request is answered.
    _room: OwnedSemaphorePermit,
}

/// The second model, if there is one.
pub(super) struct Second {
    models: Arc<dyn Models>,
    now: Mutex<Option<Now>>,
    /// Lock that is held while a second model is loaded.
    loading: tokio::sync::Mutex<()>,
    /// Room for one model.
    room: Arc<Semaphore>,
    idle_limit: watch::Sender<Duration>,
}

/// The second model now, and when it was asked for.
struct Now {
    name: String,
    guest: Arc<Guest>,
    asked: Instant,
}

impl Second {
    pub(super) fn new(models: Arc<dyn Models>) -> Arc<Self> {
        Arc::new(Self {
            models,
            now: Mutex::default(),
            loading: tokio::sync::Mutex::default(),
            room: Arc::new(Semaphore::new(1)),
            idle_limit: watch::Sender::new(SECOND_IDLE),
        })
    }

    fn now(&self) -> MutexGuard<'_, Option<Now>> {
        // Replaced as a whole.
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the idle time after which models are unloaded.
    pub(super) fn set_idle_unload(&self, limit: Option<Duration>) {
        let limit = limit.map_or(SECOND_IDLE, |limit| limit.min(SECOND_IDLE));
        self.idle_limit.send_replace(limit);
    }

    /// The second model, if it is loaded.
    pub(super) fn get(&self) -> Option<Arc<Guest>> {
        self.now().as_ref().map(|now| Arc::clone(&now.guest))
    }

    /// Description of the model of a name, if it is loaded.
    pub(super) fn info(&self, name: &str) -> Option<ModelInfo> {
        let now = self.now();
        let named = now.as_ref().filter(|now| now.name == name);
        named.map(|now| now.guest.loaded.model.clone())
    }

    /// The model of a name, and that it is asked for.
    fn ask(&self, name: &str) -> Option<Arc<Guest>> {
        let mut now = self.now();
        let named = now.as_mut().filter(|now| now.name == name)?;
        named.asked = Instant::now();
        Some(Arc::clone(&named.guest))
    }

    /// Unloads the model of a name, once its requests are answered.
    pub(super) fn unload(&self, name: &str) {
        let left = self.now().take_if(|now| now.name == name);
        if left.is_some() {
            tracing::info!(model = name, "second model unloaded");
        }
    }

    /// Loads the model of a name, unless it is loaded. The former one leaves first. Once the
    /// loading has begun, it goes on if the caller leaves.
    ///
    /// # Errors
    ///
    /// The reply to the client, if the model is unknown, too large, or unusable.
    pub(super) async fn load(self: &Arc<Self>, name: &str) -> Result<Arc<Guest>, ErrorReply> {
        if let Some(guest) = self.ask(name) {
            return Ok(guest);
        }
        let (second, name) = (Arc::clone(self), name.to_owned());
        let loading = tokio::spawn(async move {
            let _only_one = second.loading.lock().await;
            match second.ask(&name) {
                Some(guest) => Ok(guest),
                None => second.load_now(name).await,
            }
        });
        loading.await.map_err(|_| panicked())?
    }

    async fn load_now(self: &Arc<Self>, name: String) -> Result<Arc<Guest>, ErrorReply> {
        // A model that cannot be loaded does not push out the one that is.
        self.blocking(&name, |models, name| models.check_second(name))
            .await?;
        let former = self.now().as_ref().map(|now| now.name.clone());
        if let Some(former) = former {
            self.unload(&former);
        }
        let room = Arc::clone(&self.room).acquire_owned().await;
        // The semaphore is never closed.
        let room = room.map_err(|_| panicked())?;
        let load = |models: &dyn Models, name: &str| models.load_second(name);
        let guest = Arc::new(Guest {
            loaded: self.blocking(&name, load).await?,
            _room: room,
        });
        tracing::info!(model = name, "second model loaded");
        *self.now() = Some(Now {
            name: name.clone(),
            guest: Arc::clone(&guest),
            asked: Instant::now(),
        });
        tokio::spawn(Arc::clone(self).unload_when_idle(name));
        Ok(guest)
    }

    /// Runs a call that blocks.
    async fn blocking<T: Send + 'static>(
        &self,
        name: &str,
        call: impl FnOnce(&dyn Models, &str) -> Result<T, ErrorReply> + Send + 'static,
    ) -> Result<T, ErrorReply> {
        let (models, name) = (Arc::clone(&self.models), name.to_owned());
        let called = tokio::task::spawn_blocking(move || call(&*models, &name));
        called.await.map_err(|_| panicked())?
    }

    /// Unloads the model of a name once nobody has used it for as long as the limit says; ends when
    /// it is not loaded any more.
    async fn unload_when_idle(self: Arc<Self>, name: String) {
        let mut limits = self.idle_limit.subscribe();
        loop {
            let limit = *limits.borrow_and_update();
            let idle = match self.now().as_mut().filter(|now| now.name == name) {
                None => return,
                Some(now) => {
                    // Somebody else than this place has it: a request.
                    if Arc::strong_count(&now.guest) > 1 {
                        now.asked = Instant::now();
                    }
                    now.asked.elapsed()
                }
            };
            if idle >= limit {
                return self.unload(&name);
            }
            // The limit may change meanwhile; its sender lives as long as `self`.
            drop(timeout(limit.saturating_sub(idle), limits.changed()).await);
        }
    }
}

fn panicked() -> ErrorReply {
    ErrorReply::new(ErrorCode::Internal, "loading the model panicked")
}
