//! The models on this machine: which there are, which are known, and how one is installed.
//!
//! Installed models live under `$XDG_DATA_HOME/gte/models/NAME/`: a Burn pack of the weights, the
//! tokenizer, `config.json` and a manifest. A folder is made aside and renamed into its place, so
//! that one which is half made is never taken for a model.

pub mod catalogue;
mod convert;
mod download;
mod http;
mod hub;
mod manifest;
mod pull;
mod verify;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::model::{EMBEDDED, Folder, ModelError, Source};
use crate::weights::WeightsError;
pub use download::Progress;
pub use http::HttpError;
pub use manifest::{Manifest, Origin};
pub use pull::{From, Pulled, Wanted};
pub use verify::{Report, Verified};

/// The model that is used when none is chosen and it is installed.
const PREFERRED: &str = "gte-base-zh";

/// File in the data folder that names the chosen model.
const CHOSEN: &str = "chosen";

/// Why the store cannot do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The environment names no place for data.
    #[error("there is no place for models: set XDG_DATA_HOME or HOME to an absolute path")]
    NoPlace,
    /// A file or folder of the store cannot be used.
    #[error("{} cannot be used: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No such model.
    #[error("there is no model {0}: `gted models` lists those that are installed and known")]
    Unknown(String),
    /// The model is known, but not here.
    #[error("{0} is not installed")]
    NotInstalled(String),
    /// The embedded model can be neither removed nor replaced.
    #[error("{EMBEDDED} is part of the program")]
    Embedded,
    /// A name that could leave the folder of the models.
    #[error(
        "{0:?} cannot be a model's name: letters, digits, '-', '_' and '.' can, and no '.' in front"
    )]
    Name(String),
    /// The manifest is of a newer program, or damaged.
    #[error("the manifest of {name} cannot be read: {problem}; install the model anew")]
    Manifest {
        /// The model.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// A file is not what it was when the model was installed.
    #[error(
        "{file} of {name} is damaged: its checksum is not the one of its installation; install the model anew"
    )]
    Damaged {
        /// The model.
        name: String,
        /// The file.
        file: String,
    },
    /// The program itself is damaged.
    #[error("the program's own {file} cannot be read: {source}")]
    Builtin {
        /// The file.
        file: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A hub does not give what it was asked for.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The network must not be used, and the model is not on this machine.
    #[error("{0} is not on this machine, and the network is not to be used")]
    Offline(String),
    /// A download ended early, or gave more than there should be.
    #[error("{file} is not whole: {have} bytes of {size} came; pull again to go on")]
    Incomplete {
        /// The file.
        file: String,
        /// Bytes that came.
        have: u64,
        /// Bytes that there should be.
        size: u64,
    },
    /// A download is not what the hub states it to be.
    #[error(
        "{0} is not what the hub states: its checksum is another; it was thrown away, pull again"
    )]
    Checksum(String),
    /// The disk is too full.
    #[error("there is no room at {}: {free} bytes are free, and {needed} are needed", path.display())]
    NoSpace {
        /// Where.
        path: PathBuf,
        /// Bytes that are free.
        free: u64,
        /// Bytes that are needed.
        needed: u64,
    },
    /// What is there cannot be used as a model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The weights cannot be used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The installed model does not compute.
    #[error(transparent)]
    Compute(#[from] crate::engine::EmbedError),
}

/// For `map_err`: an error of the system about a path.
fn at(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    |source| StoreError::Io { path, source }
}

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

    /// The manifests of all installed models, by their names.
    ///
    /// # Errors
    ///
    /// If the folder of the models or a manifest cannot be read.
    pub fn installed(&self) -> Result<Vec<Manifest>, StoreError> {
        if self.root.is_none() {
            return Ok(Vec::new());
        }
        let models = self.models()?;
        let entries = match fs::read_dir(&models) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(at(&models)(error)),
        };
        let mut manifests = Vec::new();
        for entry in entries {
            let name = entry.map_err(at(&models))?.file_name();
            // What begins with a dot is being made, or a lock.
            let name = name.to_string_lossy();
            if !name.starts_with('.') {
                manifests.push(self.manifest(&name)?);
            }
        }
        manifests.sort_by(|one, other| one.name.cmp(&other.name));
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
        match self.installed_source(name) {
            Err(StoreError::NotInstalled(_) | StoreError::Name(_)) => {}
            done => return done,
        }
        if name == EMBEDDED {
            Ok(Source::Embedded)
        } else if Path::new(name).is_dir() {
            Ok(Source::Folder(Folder::new(Path::new(name))))
        } else {
            Err(missing(name)?)
        }
    }

    fn find_default(&self) -> Result<Source, StoreError> {
        if let Some(chosen) = self.chosen()? {
            // Chosen by name: if it has gone, that has to be said, not papered over.
            return self.find(Some(&chosen));
        }
        match self.installed_source(PREFERRED) {
            Err(StoreError::NotInstalled(_)) => Ok(Source::Embedded),
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

    /// Makes a model the one that the daemon uses from its next start on.
    ///
    /// # Errors
    ///
    /// If the model is neither installed nor embedded, or the choice cannot be written down.
    pub fn choose(&self, name: &str) -> Result<(), StoreError> {
        match self.manifest(name) {
            Err(StoreError::NotInstalled(_)) if name == EMBEDDED => {}
            Err(StoreError::NotInstalled(_)) => return Err(missing(name)?),
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        let root = self.root()?;
        fs::create_dir_all(root).map_err(at(root))?;
        let path = root.join(CHOSEN);
        fs::write(&path, format!("{name}\n")).map_err(at(&path))
    }

    /// Removes an installed model. If it was chosen, nothing is chosen any more.
    ///
    /// # Errors
    ///
    /// If it is not installed, or is the embedded one, or cannot be removed.
    pub fn remove(&self, name: &str) -> Result<(), StoreError> {
        let folder = self.folder(name)?;
        let _lock = self.lock(name)?;
        if !folder.exists() {
            return Err(match name {
                EMBEDDED => StoreError::Embedded,
                _ => StoreError::NotInstalled(name.to_owned()),
            });
        }
        // Out of its place first, so that what is half removed is never taken for a model.
        let aside = self.aside(name, "removed")?;
        clear(&aside)?;
        fs::rename(&folder, &aside).map_err(at(&folder))?;
        clear(&aside)?;
        if self.chosen()?.as_deref() == Some(name) && name != EMBEDDED {
            let path = self.root()?.join(CHOSEN);
            fs::remove_file(&path).map_err(at(&path))?;
        }
        Ok(())
    }

    /// A place beside the models that is never taken for one.
    fn aside(&self, name: &str, what: &str) -> Result<PathBuf, StoreError> {
        Ok(self.models()?.join(format!(".{name}.{what}")))
    }

    /// Lets one process at a time change a model; others wait. Released with the file.
    fn lock(&self, name: &str) -> Result<File, StoreError> {
        let models = self.models()?;
        fs::create_dir_all(&models).map_err(at(&models))?;
        let path = self.aside(name, "lock")?;
        let lock = File::create(&path).map_err(at(&path))?;
        lock.lock().map_err(at(&path))?;
        Ok(lock)
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
