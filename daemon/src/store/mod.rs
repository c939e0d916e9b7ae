//! The models on this machine: which there are, which are known, and how one is installed.
//!
//! Installed models live under `$XDG_DATA_HOME/gte/models/NAME/`: a Burn pack of the weights, the
//! tokenizer, `config.json` and a manifest. A folder is made aside and renamed into its place, so
//! that one which is half made is never taken for a model.

mod candidates;
pub mod catalogue;
mod convert;
mod download;
mod error;
mod http;
mod hub;
mod manifest;
mod pull;
mod space;
mod verify;

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::model::{Compute, EMBEDDED, Folder, Model, Source};
pub use candidates::{From, Wanted};
use catalogue::Hub;
pub use convert::Occupied;
pub use download::Progress;
pub use error::StoreError;
use error::at;
pub use http::HttpError;
pub use manifest::{Manifest, Origin};
pub use pull::Pulled;
pub use verify::{Report, Verified};

/// The model that is used when none is chosen and it is installed.
const PREFERRED: &str = "gte-base-zh";

/// File in the data folder that names the chosen model.
const CHOSEN: &str = "chosen";

/// What lies beside the models, each with a model's name: the lock of whoever changes it, that of
/// whoever pulls it (taken first), a model that is being made, and one that is being removed.
const LOCK: &str = "lock";
const PULL_LOCK: &str = "pull.lock";
const STAGING: &str = "new";
const REMOVED: &str = "removed";

/// The models under one data folder.
#[derive(Clone, Debug)]
pub struct Store {
    root: Option<PathBuf>,
}

impl Store {
    /// The store of this user: `$XDG_DATA_HOME/gte`, else `~/.local/share/gte`. Where the environment
    /// names no such place, nothing is installed and nothing can be.
    #[must_use]
    pub fn of_user() -> Self {
        let folder = |name| {
            let path = std::env::var_os(name).map(PathBuf::from);
            path.filter(|path| path.is_absolute())
        };
        let data = folder("XDG_DATA_HOME").or_else(|| Some(folder("HOME")?.join(".local/share")));
        Self {
            root: data.map(|data| data.join("gte")),
        }
    }

    fn root(&self) -> Result<&Path, StoreError> {
        self.root.as_deref().ok_or(StoreError::NoPlace)
    }

    fn models(&self) -> Result<PathBuf, StoreError> {
        Ok(self.root()?.join("models"))
    }

    /// Where the model of a name is, if it is installed.
    fn folder(&self, name: &str) -> Result<PathBuf, StoreError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
            return Err(StoreError::Name(name.to_owned()));
        }
        Ok(self.models()?.join(name))
    }

    /// The manifests of all installed models, by their names; of a damaged one, what is wrong with it.
    ///
    /// # Errors
    ///
    /// If the folder of the models cannot be read.
    pub fn installed(&self) -> Result<BTreeMap<String, Result<Manifest, StoreError>>, StoreError> {
        let mut manifests = BTreeMap::new();
        if self.root.is_none() {
            return Ok(manifests);
        }
        let models = self.models()?;
        let entries = match fs::read_dir(&models) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(manifests),
            Err(error) => return Err(at(&models)(error)),
        };
        for entry in entries {
            let name = entry.map_err(at(&models))?.file_name();
            // What begins with a dot is being made, or a lock.
            let name = name.to_string_lossy().into_owned();
            if !name.starts_with('.') {
                manifests.insert(name.clone(), self.manifest(&name));
            }
        }
        Ok(manifests)
    }

    /// The manifest of an installed model.
    ///
    /// # Errors
    ///
    /// If the model is not installed or its manifest cannot be read.
    pub fn manifest(&self, name: &str) -> Result<Manifest, StoreError> {
        Manifest::read(name, &self.folder(name)?)
    }

    /// The model that `name` stands for: an installed one, the embedded one, or a folder. Without a
    /// name: the chosen one, else gte-base-zh if it is installed, else the embedded one.
    ///
    /// # Errors
    ///
    /// If there is no such model.
    pub fn find(&self, name: Option<&str>) -> Result<Source, StoreError> {
        let Some(name) = name else {
            return self.find_default();
        };
        match self.available(name) {
            Err(StoreError::NotInstalled(_) | StoreError::Unknown(_) | StoreError::Name(_))
                if Path::new(name).is_dir() =>
            {
                Ok(Source::Folder(Folder::new(Path::new(name))))
            }
            done => done,
        }
    }

    /// The installed or embedded model of a name.
    ///
    /// # Errors
    ///
    /// If there is no such model.
    pub fn available(&self, name: &str) -> Result<Source, StoreError> {
        match self.installed_source(name) {
            Err(StoreError::NotInstalled(_)) if name == EMBEDDED => Ok(Source::Embedded),
            Err(StoreError::NotInstalled(_)) => Err(missing(name)?),
            done => done,
        }
    }

    fn find_default(&self) -> Result<Source, StoreError> {
        if let Some(chosen) = self.chosen()? {
            // Chosen by name: if it has gone, that has to be said, not papered over.
            return self.available(&chosen);
        }
        match self.installed_source(PREFERRED) {
            Err(StoreError::NotInstalled(_)) => self.available(EMBEDDED),
            done => done,
        }
    }

    fn installed_source(&self, name: &str) -> Result<Source, StoreError> {
        if self.root.is_none() {
            return Err(StoreError::NotInstalled(name.to_owned()));
        }
        let manifest = self.manifest(name)?;
        Ok(Source::Folder(Folder {
            path: self.folder(name)?,
            id: manifest.name,
            weights: None,
            pooling: Some(manifest.pooling),
            max_tokens: Some(manifest.max_tokens),
        }))
    }

    /// The model chosen with [`choose`](Self::choose).
    ///
    /// # Errors
    ///
    /// If the file that names it cannot be read.
    pub fn chosen(&self) -> Result<Option<String>, StoreError> {
        let Some(root) = &self.root else {
            return Ok(None);
        };
        let path = root.join(CHOSEN);
        match fs::read_to_string(&path) {
            Ok(name) => Ok(Some(name.trim().to_owned()).filter(|name| !name.is_empty())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&path)(error)),
        }
    }

    /// Loads the model that `name` stands for, or the one that is used without a name; says whether it
    /// is the embedded one.
    ///
    /// # Errors
    ///
    /// If there is no such model, or it cannot be used.
    pub fn load(&self, name: Option<&str>, compute: Compute) -> Result<(Model, bool), StoreError> {
        loop {
            let source = self.find(name)?;
            let before = self.manifest(source.id()).ok();
            let model = Model::load(&source, compute)?;
            // A model that was replaced meanwhile may be half the old one and half the new one.
            if self.manifest(source.id()).ok() == before {
                return Ok((model, matches!(source, Source::Embedded)));
            }
        }
    }

    /// Makes a model the one that the daemon uses from its next start on.
    ///
    /// # Errors
    ///
    /// If the model is neither installed nor embedded, or the choice cannot be written down.
    pub fn choose(&self, name: &str) -> Result<(), StoreError> {
        self.available(name)?;
        let root = self.root()?;
        fs::create_dir_all(root).map_err(at(root))?;
        let path = root.join(CHOSEN);
        fs::write(&path, format!("{name}\n")).map_err(at(&path))
    }

    /// Removes an installed model, and what an unfinished pull has left of one. If it was chosen,
    /// nothing is chosen any more.
    ///
    /// # Errors
    ///
    /// If there is nothing of it, or it is the embedded one, or it cannot be removed.
    pub fn remove(&self, name: &str) -> Result<(), StoreError> {
        let folder = self.folder(name)?;
        let Some(_pulling) = self.try_lock(name, PULL_LOCK)? else {
            return Err(StoreError::Busy(name.to_owned()));
        };
        let _lock = self.lock(name, LOCK)?;
        let unfinished = self.clear_unfinished(name)?;
        if !folder.exists() {
            return match name {
                _ if unfinished => Ok(()),
                EMBEDDED => Err(StoreError::Embedded),
                _ => Err(StoreError::NotInstalled(name.to_owned())),
            };
        }
        // Before the model itself: a choice of what is not there would keep the daemon from starting.
        if self.chosen()?.as_deref() == Some(name) && name != EMBEDDED {
            let path = self.root()?.join(CHOSEN);
            fs::remove_file(&path).map_err(at(&path))?;
        }
        // Out of its place first, so that what is half removed is never taken for a model.
        let aside = self.aside(name, REMOVED)?;
        fs::rename(&folder, &aside).map_err(at(&folder))?;
        clear(&aside)
    }

    /// Removes what pulls, installations and removals that were ended in the middle have left of a
    /// model; says whether there was anything.
    fn clear_unfinished(&self, name: &str) -> Result<bool, StoreError> {
        let mut any = false;
        let downloads = Hub::ALL.map(Hub::download_folder);
        for what in downloads.into_iter().chain([STAGING, REMOVED]) {
            let folder = self.aside(name, what)?;
            any |= folder.exists();
            clear(&folder)?;
        }
        Ok(any)
    }

    /// A place beside the models that is never taken for one.
    fn aside(&self, name: &str, what: &str) -> Result<PathBuf, StoreError> {
        Ok(self.models()?.join(format!(".{name}.{what}")))
    }

    /// Lets one process at a time do something with a model; others wait. Released with the file.
    fn lock(&self, name: &str, what: &str) -> Result<File, StoreError> {
        let (path, lock) = self.lock_file(name, what)?;
        lock.lock().map_err(at(&path))?;
        Ok(lock)
    }

    /// The same without waiting: `None` where another process has it.
    fn try_lock(&self, name: &str, what: &str) -> Result<Option<File>, StoreError> {
        let (path, lock) = self.lock_file(name, what)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(at(&path)(error)),
        }
    }

    fn lock_file(&self, name: &str, what: &str) -> Result<(PathBuf, File), StoreError> {
        let models = self.models()?;
        fs::create_dir_all(&models).map_err(at(&models))?;
        let path = self.aside(name, what)?;
        let lock = File::create(&path).map_err(at(&path))?;
        Ok((path, lock))
    }
}

/// Why a name stands for no model that is here.
fn missing(name: &str) -> Result<StoreError, StoreError> {
    let name = name.to_owned();
    Ok(match catalogue::entry(&name)? {
        Some(_) => StoreError::NotInstalled(name),
        None => StoreError::Unknown(name),
    })
}

/// Data that the program carries, read.
fn builtin<T: DeserializeOwned>(file: &'static str, json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|source| StoreError::Builtin { file, source })
}

/// Removes a folder and all that is in it, if it is there.
fn clear(path: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}
