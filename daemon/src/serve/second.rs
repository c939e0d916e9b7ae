//! The second model: one that requests name beside the selected one. There is one at a time, so
//! that its memory has a bound. It leaves when nobody uses it, or another one is named meanwhile.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gte_shared::wire::{ErrorCode, ErrorReply};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::selected::{Loaded, Models};

/// Idle time after which the second model is unloaded, unless the selected one is after less:
/// somebody who compares two models asks again within minutes.
const SECOND_IDLE: Duration = Duration::from_mins(5);

/// The second model, if there is one.
pub(super) struct Second {
    models: Arc<dyn Models>,
    now: Mutex<Option<Now>>,
    /// Number of loadings so far.
    loadings: AtomicU64,
    /// Lock of the request that has another model loaded.
    changing: Arc<tokio::sync::Mutex<()>>,
    /// Lock that is held while any model is loaded, the selected one as well.
    loading: Arc<tokio::sync::Mutex<()>>,
    /// Notice that the last request of the model is answered.
    released: Notify,
    /// Longest wait for a model that others use.
    wait: Duration,
    idle_limit: watch::Sender<Duration>,
}

/// The second model now.
struct Now {
    /// Number of its loading.
    number: u64,
    name: String,
    loaded: Arc<Loaded>,
    /// Number of requests that use it.
    users: usize,
    /// Time at which the last of them was answered.
    idle_since: Instant,
}

/// The second model in use by a request, which counts until this value is dropped.
pub(super) struct InUse {
    second: Arc<Second>,
    pub(super) loaded: Arc<Loaded>,
}

impl Drop for InUse {
    fn drop(&mut self) {
        let mut now = self.second.now();
        let own = now
            .as_mut()
            .filter(|now| Arc::ptr_eq(&now.loaded, &self.loaded));
        if let Some(own) = own {
            own.users -= 1;
            if own.users == 0 {
                own.idle_since = Instant::now();
                self.second.released.notify_waiters();
            }
        }
    }
}

impl InUse {
    /// Unloads the model, whose engine has ended.
    pub(super) fn give_up(&self) {
        let mut now = self.second.now();
        now.take_if(|now| Arc::ptr_eq(&now.loaded, &self.loaded));
        self.second.released.notify_waiters();
    }
}

impl Second {
    /// Creates a place for one of `models`. `loading` is the lock of all loading, and `wait` the
    /// longest wait for a model that others use.
    pub(super) fn new(
        models: Arc<dyn Models>,
        loading: Arc<tokio::sync::Mutex<()>>,
        wait: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            models,
            now: Mutex::default(),
            loadings: AtomicU64::new(0),
            changing: Arc::default(),
            loading,
            released: Notify::new(),
            wait,
            idle_limit: watch::Sender::new(SECOND_IDLE),
        })
    }

    fn now(&self) -> MutexGuard<'_, Option<Now>> {
        // Changed as a whole, but for a count and a time.
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the idle time after which models are unloaded.
    pub(super) fn set_idle_unload(&self, limit: Option<Duration>) {
        let limit = limit.map_or(SECOND_IDLE, |limit| limit.min(SECOND_IDLE));
        self.idle_limit.send_replace(limit);
    }

    /// The second model, if it is loaded.
    pub(super) fn get(&self) -> Option<Arc<Loaded>> {
        self.now().as_ref().map(|now| Arc::clone(&now.loaded))
    }

    /// Unloads the model of a name, once its requests are answered.
    pub(super) fn unload(&self, name: &str) {
        self.now().take_if(|now| now.name == name);
        self.released.notify_waiters();
    }

    /// Takes the model of a name into use, if it is loaded.
    fn take(self: &Arc<Self>, name: &str) -> Option<InUse> {
        let mut now = self.now();
        let named = now.as_mut().filter(|now| now.name == name)?;
        named.users += 1;
        Some(InUse {
            second: Arc::clone(self),
            loaded: Arc::clone(&named.loaded),
        })
    }

    /// Takes the model of a name into use, and loads it if it is not loaded, once nobody uses the
    /// one that is. Once the loading has begun, it goes on if the caller leaves.
    ///
    /// # Errors
    ///
    /// The reply to the client: if the model is unknown, too large or unusable, or others use
    /// another second model for too long ([`ErrorCode::Overloaded`]).
    pub(super) async fn load(self: &Arc<Self>, name: &str) -> Result<InUse, ErrorReply> {
        if let Some(in_use) = self.take(name) {
            return Ok(in_use);
        }
        let waiting = Arc::clone(&self.changing).lock_owned();
        let changing = timeout(self.wait, waiting).await.map_err(|_| busy())?;
        if let Some(in_use) = self.take(name) {
            return Ok(in_use);
        }
        // A model that is refused does not push out the one that is loaded.
        self.blocking(name, |models, name| models.check_second(name))
            .await?;
        timeout(self.wait, self.make_room())
            .await
            .map_err(|_| busy())?;
        let (second, name) = (Arc::clone(self), name.to_owned());
        let loading = tokio::spawn(async move {
            let in_use = second.load_now(&name).await;
            drop(changing);
            in_use
        });
        loading.await.map_err(|_| panicked())?
    }

    /// Unloads the model that is loaded as soon as nobody uses it. Its thread returns the memory a
    /// moment later, long before the next model needs it.
    async fn make_room(&self) {
        loop {
            let mut released = std::pin::pin!(self.released.notified());
            released.as_mut().enable();
            let left = self.now().take_if(|now| now.users == 0);
            if let Some(left) = left {
                tracing::info!(model = left.name, "second model makes room");
            }
            if self.now().is_none() {
                return;
            }
            released.await;
        }
    }

    async fn load_now(self: &Arc<Self>, name: &str) -> Result<InUse, ErrorReply> {
        let only_one = self.loading.lock().await;
        let load = |models: &dyn Models, name: &str| models.load_second(name);
        let loaded = Arc::new(self.blocking(name, load).await?);
        drop(only_one);
        tracing::info!(model = name, "second model loaded");
        let number = self.loadings.fetch_add(1, Ordering::Relaxed);
        *self.now() = Some(Now {
            number,
            name: name.to_owned(),
            loaded: Arc::clone(&loaded),
            users: 1,
            idle_since: Instant::now(),
        });
        tokio::spawn(Arc::clone(self).unload_when_idle(number));
        Ok(InUse {
            second: Arc::clone(self),
            loaded,
        })
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

    /// Unloads the model once nobody has used it for as long as the limit says; ends when it is not
    /// loaded any more.
    async fn unload_when_idle(self: Arc<Self>, number: u64) {
        let mut limits = self.idle_limit.subscribe();
        loop {
            let limit = *limits.borrow_and_update();
            let rest = {
                let mut now = self.now();
                let Some(own) = now.as_mut().filter(|now| now.number == number) else {
                    return;
                };
                let idle = own.idle_since.elapsed();
                if own.users == 0 && idle >= limit {
                    tracing::info!(?idle, model = own.name, "second model unloaded");
                    *now = None;
                    return;
                }
                match own.users {
                    0 => limit.saturating_sub(idle),
                    _ => limit,
                }
            };
            // The limit may change meanwhile; its sender lives as long as `self`.
            drop(timeout(rest, limits.changed()).await);
        }
    }
}

fn busy() -> ErrorReply {
    ErrorReply::new(
        ErrorCode::Overloaded,
        "other clients use another second model, and there is room for one",
    )
    .with_hint("try again in a moment, or select the model with `gted use`")
}

fn panicked() -> ErrorReply {
    ErrorReply::new(ErrorCode::Internal, "loading the model panicked")
}
