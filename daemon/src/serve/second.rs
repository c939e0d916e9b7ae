//! The second model: one that requests name beside the selected one. There is one at a time, so
//! that its memory has a bound. It leaves when nobody uses it, or another one is named meanwhile.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use gte_shared::wire::{ErrorCode, ErrorReply};
use tokio::sync::{Notify, watch};
use tokio::time::{timeout, timeout_at};

use super::metrics::Metrics;
use super::selected::{Loaded, Models};

/// Idle time after which the second model is unloaded, unless the selected one is after less:
/// somebody who compares two models asks again within minutes.
const SECOND_IDLE: Duration = Duration::from_mins(5);

/// The second model, if there is one.
pub(super) struct Second {
    models: Arc<dyn Models>,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
    /// Lock of the request that has another model loaded.
    changing: Arc<tokio::sync::Mutex<()>>,
    /// Lock that is held while any model is loaded, the selected one as well.
    loading: Arc<tokio::sync::Mutex<()>>,
    /// Notice that a model has been released.
    released: Notify,
    /// Longest wait for a model that others use.
    wait: Duration,
    idle_limit: watch::Sender<Duration>,
}

#[derive(Default)]
struct State {
    now: Option<Guest>,
    /// Models that were given up while requests still use them. They have room until then.
    leaving: Vec<Guest>,
    /// True while a request waits for the room of the model: it takes no further users, so that
    /// those of two models take turns.
    closing: bool,
}

/// A model that requests have named.
struct Guest {
    name: String,
    loaded: Arc<Loaded>,
    /// Number of requests that use it.
    users: usize,
    /// Time at which the last of them was answered.
    idle_since: Instant,
}

impl State {
    /// Gives up the model, which leaves once its requests are answered.
    fn give_up(&mut self, is_it: impl Fn(&Guest) -> bool) {
        if let Some(guest) = self.now.take_if(|now| is_it(now))
            && guest.users > 0
        {
            self.leaving.push(guest);
        }
    }
}

/// A second model in use by a request, which counts until this value is dropped.
pub(super) struct InUse {
    second: Arc<Second>,
    pub(super) loaded: Arc<Loaded>,
}

impl Drop for InUse {
    fn drop(&mut self) {
        let mut state = self.second.state();
        let State { now, leaving, .. } = &mut *state;
        let mut all = now.iter_mut().chain(leaving.iter_mut());
        if let Some(own) = all.find(|guest| Arc::ptr_eq(&guest.loaded, &self.loaded)) {
            own.users -= 1;
            own.idle_since = Instant::now();
        }
        leaving.retain(|guest| guest.users > 0);
        self.second.released.notify_waiters();
    }
}

impl InUse {
    /// Gives up the model, whose engine has ended.
    pub(super) fn give_up(&self) {
        let is_it = |guest: &Guest| Arc::ptr_eq(&guest.loaded, &self.loaded);
        self.second.state().give_up(is_it);
    }
}

/// Wait for the room of the model, until this value is dropped.
struct Closing<'a>(&'a Second);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.state().closing = false;
    }
}

impl Second {
    /// Creates a place for one of `models`. `loading` is the lock of all loading, and `wait` the
    /// longest wait for a model that others use.
    pub(super) fn new(
        models: Arc<dyn Models>,
        metrics: Arc<Metrics>,
        loading: Arc<tokio::sync::Mutex<()>>,
        wait: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            models,
            metrics,
            state: Mutex::default(),
            changing: Arc::default(),
            loading,
            released: Notify::new(),
            wait,
            idle_limit: watch::Sender::new(SECOND_IDLE),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is made as a whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the idle time after which models are unloaded.
    pub(super) fn set_idle_unload(&self, limit: Option<Duration>) {
        let limit = limit.map_or(SECOND_IDLE, |limit| limit.min(SECOND_IDLE));
        self.idle_limit.send_replace(limit);
    }

    /// The second model, if it is loaded.
    pub(super) fn get(&self) -> Option<Arc<Loaded>> {
        let state = self.state();
        state.now.as_ref().map(|now| Arc::clone(&now.loaded))
    }

    /// All models that requests have named and that are in memory.
    pub(super) fn all(&self) -> Vec<Arc<Loaded>> {
        let state = self.state();
        let all = state.now.iter().chain(&state.leaving);
        all.map(|guest| Arc::clone(&guest.loaded)).collect()
    }

    /// Gives up the model of a name: it answers as the selected one.
    pub(super) fn unload(&self, name: &str) {
        self.state().give_up(|guest| guest.name == name);
    }

    /// Takes the model of a name into use, if it is loaded and stays.
    fn take(self: &Arc<Self>, name: &str) -> Option<InUse> {
        let mut state = self.state();
        if state.closing {
            return None;
        }
        let named = state.now.as_mut().filter(|now| now.name == name)?;
        named.users += 1;
        Some(InUse {
            second: Arc::clone(self),
            loaded: Arc::clone(&named.loaded),
        })
    }

    /// Takes the model of a name into use, and loads it if it is not loaded, once the requests that
    /// use another one are answered. Once the loading has begun, it goes on if the caller leaves.
    /// `is_selected` tells whether the model answers as the selected one meanwhile.
    ///
    /// # Errors
    ///
    /// The reply to the client: if the model is unknown, too large or unusable, or others use or
    /// load another second model for too long ([`ErrorCode::Overloaded`]).
    pub(super) async fn load(
        self: &Arc<Self>,
        name: &str,
        is_selected: impl Fn() -> bool + Send + 'static,
    ) -> Result<InUse, ErrorReply> {
        if let Some(in_use) = self.take(name) {
            return Ok(in_use);
        }
        // A model that is refused neither waits nor pushes out the one that is loaded.
        self.blocking(name, |models, name| models.check_second(name))
            .await?;
        let deadline = tokio::time::Instant::now() + self.wait;
        let waiting = Arc::clone(&self.changing).lock_owned();
        let changing = timeout_at(deadline, waiting).await.map_err(|_| busy())?;
        if let Some(in_use) = self.take(name) {
            return Ok(in_use);
        }
        let made = timeout_at(deadline, self.make_room()).await;
        made.map_err(|_| busy())?;
        let (second, name) = (Arc::clone(self), name.to_owned());
        let loading = tokio::spawn(async move {
            let in_use = second.load_now(&name, is_selected).await;
            drop(changing);
            in_use
        });
        loading.await.map_err(|_| panicked())?
    }

    /// Unloads the model that is loaded as soon as its requests are answered. Its thread returns
    /// the memory a moment later, long before the next model needs it.
    async fn make_room(&self) {
        self.state().closing = true;
        let _closing = Closing(self);
        loop {
            let mut released = std::pin::pin!(self.released.notified());
            released.as_mut().enable();
            {
                let mut state = self.state();
                if let Some(left) = state.now.take_if(|now| now.users == 0) {
                    tracing::info!(model = left.name, "second model makes room");
                }
                if state.now.is_none() && state.leaving.is_empty() {
                    return;
                }
            }
            released.await;
        }
    }

    async fn load_now(
        self: &Arc<Self>,
        name: &str,
        is_selected: impl Fn() -> bool,
    ) -> Result<InUse, ErrorReply> {
        let _only_one = self.loading.lock().await;
        let load = |models: &dyn Models, name: &str| models.load_second(name);
        let loaded = Arc::new(self.blocking(name, load).await?);
        self.metrics.count_load(name, loaded.load_time);
        tracing::info!(model = name, "second model loaded");
        let guest = Guest {
            name: name.to_owned(),
            loaded: Arc::clone(&loaded),
            users: 1,
            idle_since: Instant::now(),
        };
        // Models are selected under the lock of loading.
        let is_selected = is_selected();
        let mut state = self.state();
        if is_selected {
            // It is not needed twice.
            state.leaving.push(guest);
        } else {
            state.now = Some(guest);
            tokio::spawn(Arc::clone(self).unload_when_idle(Arc::downgrade(&loaded)));
        }
        Ok(InUse {
            second: Arc::clone(self),
            loaded: Arc::clone(&loaded),
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
    async fn unload_when_idle(self: Arc<Self>, loaded: Weak<Loaded>) {
        let mut limits = self.idle_limit.subscribe();
        loop {
            let limit = *limits.borrow_and_update();
            let rest = {
                let mut state = self.state();
                let is_it = |now: &&mut Guest| Arc::as_ptr(&now.loaded) == loaded.as_ptr();
                let Some(own) = state.now.as_mut().filter(is_it) else {
                    return;
                };
                let idle = own.idle_since.elapsed();
                if own.users == 0 && idle >= limit {
                    tracing::info!(?idle, model = own.name, "second model unloaded");
                    state.now = None;
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
        "another second model is in use or being loaded, and there is room for one",
    )
    .with_hint("try again in a moment, or select the model with `gted use`")
}

fn panicked() -> ErrorReply {
    ErrorReply::new(ErrorCode::Internal, "loading the model panicked")
}
