//! The selected model, which is loaded, or was and will be again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gte_shared::wire::{DiskCacheStatus, ErrorReply, ModelInfo, State};
use tokio::sync::OnceCell;

use super::scales::Scales;
use crate::engine::{Engine, SharedCache};

/// A loaded model.
pub struct Loaded {
    /// Engine that runs the model.
    pub engine: Engine,
    /// Description of the model for clients.
    pub model: ModelInfo,
    /// Scales of its scores.
    pub scales: Scales,
    /// Time that loading it took.
    pub load_time: Duration,
}

/// The models that a daemon can load. The calls that load block for seconds.
pub trait Models: Send + Sync {
    /// Loads a model, and selects it for the next start of the daemon.
    ///
    /// # Errors
    ///
    /// The reply to the client, if the model is unknown, not installed, or unusable.
    fn use_model(&self, name: &str) -> Result<Loaded, ErrorReply>;

    /// Loads the model again that was loaded last.
    ///
    /// # Errors
    ///
    /// The reply to the client, if the model is no longer installed, or unusable.
    fn load_again(&self) -> Result<Loaded, ErrorReply>;

    /// Checks that a model can be loaded beside the one that answers.
    ///
    /// # Errors
    ///
    /// The reply to the client, if the model is unknown, not installed, or too large.
    fn check_second(&self, name: &str) -> Result<(), ErrorReply>;

    /// Loads a model beside the one that answers.
    ///
    /// # Errors
    ///
    /// As those of [`check_second`](Self::check_second), or if the model is unusable.
    fn load_second(&self, name: &str) -> Result<Loaded, ErrorReply>;

    /// Name of the model that a request of another program means by `name`, which may be that of a
    /// repository; `None` for the selected one. Does not block.
    fn resolve(&self, name: &str) -> Option<String>;

    /// Names of the models that requests may name.
    fn names(&self) -> Vec<String>;

    /// State of the vectors on disk; `None` if there are none. Does not block.
    fn disk_cache(&self) -> Option<DiskCacheStatus>;

    /// The vectors in a shared cache; `None` if there is none.
    fn shared_cache(&self) -> Option<&SharedCache>;
}

/// A time of loading, which ends with this value: with the model, or with who waits for it.
struct Loading<'a>(&'a AtomicBool);

impl<'a> Loading<'a> {
    fn begin(loading: &'a AtomicBool) -> Self {
        loading.store(true, Ordering::Relaxed);
        Self(loading)
    }
}

impl Drop for Loading<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// The selected model.
pub(super) struct Selected {
    /// Description of the model, also while it is not loaded.
    pub(super) model: ModelInfo,
    loaded: OnceCell<Arc<Loaded>>,
    /// True while somebody loads it.
    loading: AtomicBool,
}

impl Selected {
    /// A model that is loaded.
    pub(super) fn loaded(loaded: Arc<Loaded>) -> Self {
        Self {
            model: loaded.model.clone(),
            loaded: OnceCell::new_with(Some(loaded)),
            loading: AtomicBool::new(false),
        }
    }

    /// A model that is loaded for the next request.
    pub(super) fn unloaded(model: ModelInfo) -> Self {
        Self {
            model,
            loaded: OnceCell::new(),
            loading: AtomicBool::new(false),
        }
    }

    /// The loaded model, if it is loaded.
    pub(super) fn get(&self) -> Option<&Arc<Loaded>> {
        self.loaded.get()
    }

    /// The loaded model. The first caller loads it, the others wait.
    pub(super) async fn get_or_load(
        &self,
        load: impl Future<Output = Result<Arc<Loaded>, ErrorReply>>,
    ) -> Result<Arc<Loaded>, ErrorReply> {
        let load = || async {
            let _loading = Loading::begin(&self.loading);
            load.await
        };
        self.loaded.get_or_try_init(load).await.cloned()
    }

    /// State of the model.
    pub(super) fn state(&self) -> State {
        if self.loaded.initialized() {
            State::Ready
        } else if self.loading.load(Ordering::Relaxed) {
            State::Loading
        } else {
            State::Unloaded
        }
    }
}
