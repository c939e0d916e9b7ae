//! The models on this machine, for the daemon.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::Context;
use gte_shared::endpoint::AnsweringModel;
use gte_shared::wire::{DiskCacheStatus, ErrorCode, ErrorReply, ModelInfo, TextOptions};

use super::model_names::{ModelNames, of_store};
use super::settings::ServeSettings;
use crate::command::hints;
use crate::engine::{self, DiskCache, Engine, KeptVectors, SharedCache};
use crate::lifecycle::InstanceLock;
use crate::model::{Compute, FilesFingerprint, Model, content_fingerprint};
use crate::serve::{Loaded, ModelScale, Models, Scales};
use crate::store::{Store, StoredCalibration};

/// Caches of vectors that outlast the process.
pub(super) struct Caches {
    pub(super) disk: Option<DiskCache>,
    pub(super) shared: Option<SharedCache>,
}

/// The models on this machine, with threads and precision to compute them.
pub(super) struct Installed {
    store: Store,
    compute: Compute,
    /// Rules that the user has set.
    rules: TextOptions,
    /// Most memory of a second model; `None` for no second model.
    second_memory: Option<u64>,
    caches: Caches,
    /// Lock whose record names the model that answers.
    lock: Option<Arc<InstanceLock>>,
    names: ModelNames,
    /// Name or folder of the model that was loaded last.
    last: Mutex<Option<String>>,
}

impl Installed {
    /// The models that `settings` are for.
    pub(super) fn new(
        settings: &ServeSettings,
        caches: Caches,
        lock: Option<Arc<InstanceLock>>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            store: Store::of_user(),
            compute: settings.compute,
            rules: settings.rules.clone(),
            second_memory: settings.second_model_memory,
            caches,
            lock,
            names: ModelNames::new(settings.model_aliases.clone())?,
            last: Mutex::default(),
        })
    }

    fn last(&self) -> MutexGuard<'_, Option<String>> {
        // Replaced as a whole.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads the first model: that of a name or folder, else the one that is used by default.
    pub(super) fn load_first(&self, name: Option<&str>) -> anyhow::Result<Loaded> {
        let loaded = self.load(name)?;
        self.remember(name, &loaded);
        Ok(loaded)
    }

    /// Remembers the model that answers, for the next loading and for the clients.
    fn remember(&self, name: Option<&str>, loaded: &Loaded) {
        let name = name.unwrap_or(&loaded.model.id);
        *self.last() = Some(name.to_owned());
        if let Some(lock) = &self.lock {
            lock.record(AnsweringModel::from(&loaded.model));
        }
    }

    /// Fingerprint of the files of a model, if its vectors are kept.
    fn files(&self, name: Option<&str>) -> Option<io::Result<FilesFingerprint>> {
        let Caches { disk, shared } = &self.caches;
        if disk.is_none() && shared.is_none() {
            return None;
        }
        let source = self.store.find(name).map_err(io::Error::other);
        Some(source.and_then(|source| FilesFingerprint::of(&source)))
    }

    /// Vectors of a model that was loaded from files of the fingerprint `before`, if they are the
    /// same now.
    fn kept_vectors(
        &self,
        name: Option<&str>,
        info: &ModelInfo,
        before: io::Result<FilesFingerprint>,
    ) -> KeptVectors {
        let content = self.caches.shared.as_ref().map(|_| {
            let source = self.store.find(name).map_err(io::Error::other)?;
            content_fingerprint(&source, info)
        });
        let files = before.and_then(|before| {
            // After the content has been read: it must be that of the loaded model.
            let after = self.files(name).transpose()?;
            let fingerprint = after.and_then(|after| before.of_model(&after, info));
            let changed = || io::Error::other("its files were changed while it was loaded");
            fingerprint.ok_or_else(changed)
        });
        let mut kept = KeptVectors::default();
        let Caches { disk, shared } = &self.caches;
        match files {
            Ok(files) => {
                kept.disk = disk.as_ref().map(|disk| disk.of_model(&files));
                match (shared, content) {
                    (Some(shared), Some(Ok(content))) => {
                        let dimension = info.dimension as usize;
                        kept.shared = Some(shared.of_model(&content, dimension));
                    }
                    (Some(shared), Some(Err(problem))) => shared.report_unknown_model(&problem),
                    _ => {}
                }
            }
            Err(problem) => {
                if let Some(shared) = shared {
                    shared.report_unknown_model(&problem);
                }
                if let Some(disk) = disk {
                    disk.report_unknown_model(problem);
                }
            }
        }
        kept
    }

    fn load(&self, name: Option<&str>) -> anyhow::Result<Loaded> {
        let start = Instant::now();
        let before = self.files(name);
        let model = self.store.load(name, self.compute)?;
        // Of a model that this program has installed they were told then.
        let is_folder = name.is_some_and(|name| name.contains('/'));
        let manifest = self.store.manifest(&model.info.id);
        let is_told = !is_folder && manifest.is_ok_and(|manifest| manifest.has_told_notes);
        if !is_told {
            for note in &model.notes {
                tracing::warn!("{note}");
            }
        }
        let timings = model.timings;
        let mut info = model.info;
        info.rules = self.rules.rules(info.rules);
        let (scales, error) = self.store.calibrations(&info)?;
        if let Some(error) = error {
            tracing::error!(%error, "own calibrations left out: mend or remove the file");
        }
        let scales = Scales(scales.into_iter().map(ModelScale::from).collect());
        info.scale = scales.scale(info.rules.text_steps);
        let kept = before.map(|before| self.kept_vectors(name, &info, before));
        let limits = engine::Limits::default();
        let engine = Engine::start(
            model.tokenizer,
            model.encoder,
            limits,
            kept.unwrap_or_default(),
        )
        .context("the engine cannot be started")?;
        tracing::info!(
            model = info.id,
            dimension = info.dimension,
            threads = engine.threads(),
            precision = ?info.precision,
            loaded_in = ?start.elapsed(),
            "loaded"
        );
        tracing::debug!(
            tokenizer = ?timings.tokenizer.wall,
            map = ?timings.map.wall,
            pack = ?timings.pack.wall,
            warm_up = ?timings.warm_up.wall,
            "time of loading"
        );
        Ok(Loaded {
            engine,
            model: info,
            scales,
            load_time: start.elapsed(),
        })
    }
}

impl From<StoredCalibration> for ModelScale {
    fn from(stored: StoredCalibration) -> Self {
        Self {
            text_steps: stored.text_steps,
            map: Arc::new(stored.map),
            state: stored.state,
        }
    }
}

impl Models for Installed {
    fn use_model(&self, name: &str) -> Result<Loaded, ErrorReply> {
        let use_model = || {
            // Refuses a folder, which `load` would accept.
            self.store.available(name)?;
            let loaded = self.load(Some(name))?;
            self.store.use_model(name)?;
            // Only now: a selection that cannot be written leaves the former model.
            self.remember(Some(name), &loaded);
            anyhow::Ok(loaded)
        };
        use_model().map_err(|error| hints::reply(&error, ErrorCode::Model))
    }

    fn load_again(&self) -> Result<Loaded, ErrorReply> {
        let last = self.last().clone();
        let loaded = self.load_first(last.as_deref());
        loaded.map_err(|error| hints::reply(&error, ErrorCode::Model))
    }

    fn check_second(&self, name: &str) -> Result<(), ErrorReply> {
        let Some(budget) = self.second_memory else {
            let message = "the request names a model, and only the selected one answers";
            return Err(ErrorReply::new(ErrorCode::Model, message)
                .with_hint("set second_model_memory, or select the model with `gted use`"));
        };
        // Refuses a folder, which `load` would accept: a request does not name files to read.
        let source = self.store.available(name).map_err(anyhow::Error::from);
        let bytes =
            source.and_then(|source| Ok(Model::loading_bytes(&source, self.compute.precision)?));
        let bytes = bytes.map_err(|error| hints::reply(&error, ErrorCode::Model))?;
        if bytes > budget {
            let [bytes, budget] = [bytes, budget].map(|bytes| bytes >> 20);
            let message = format!(
                "{name} takes {bytes} MiB while it is loaded; the limit of a second model is \
                 {budget} MiB"
            );
            return Err(ErrorReply::new(ErrorCode::Model, message)
                .with_hint("raise second_model_memory, or select the model with `gted use`"));
        }
        Ok(())
    }

    fn load_second(&self, name: &str) -> Result<Loaded, ErrorReply> {
        let loaded = self.load(Some(name));
        loaded.map_err(|error| hints::reply(&error, ErrorCode::Model))
    }

    fn resolve(&self, name: &str) -> Option<String> {
        self.names.resolve(name)
    }

    fn names(&self) -> Vec<String> {
        of_store(&self.store).unwrap_or_else(|error| {
            tracing::warn!(%error, "the models cannot be listed");
            Vec::new()
        })
    }

    fn disk_cache(&self) -> Option<DiskCacheStatus> {
        self.caches.disk.as_ref().map(DiskCache::status)
    }

    fn shared_cache(&self) -> Option<&SharedCache> {
        self.caches.shared.as_ref()
    }
}
