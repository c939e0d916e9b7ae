//! The store: folders of the installed models, and the selection of the model that is used.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::catalog;
use super::environment::data_folder;
use super::error::{StoreError, at};
use super::manifest::Manifest;
use crate::model::{BUILTIN, Compute, Folder, Model, Source};

/// Name of the model that is used if no model is selected and this one is installed.
const PREFERRED: &str = "gte-base-zh";

/// The models under one data folder.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    pub(super) root: Option<PathBuf>,
}

impl Store {
    /// Opens the store of this user: `$XDG_DATA_HOME/gte`, else `~/.local/share/gte`. If the
    /// environment names no such folder, the store is empty, and no model can be installed.
    #[must_use]
    pub(crate) fn of_user() -> Self {
        Self {
            root: data_folder().map(|data| data.join("gte")),
        }
    }

    pub(super) fn root(&self) -> Result<&Path, StoreError> {
        self.root.as_deref().ok_or(StoreError::NoPlace)
    }

    /// Makes the data folder if it is missing, and returns it.
    ///
    /// # Errors
    ///
    /// If the environment names no place for it, or it cannot be made.
    pub(crate) fn make_root(&self) -> Result<PathBuf, StoreError> {
        let root = self.root()?;
        fs::create_dir_all(root).map_err(at(root))?;
        Ok(root.to_owned())
    }

    /// Folder of all models.
    pub(super) fn models(&self) -> Result<PathBuf, StoreError> {
        Ok(self.root()?.join("models"))
    }

    /// Folder of the model of a name, whether it is installed or not.
    pub(super) fn folder(&self, name: &str) -> Result<PathBuf, StoreError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.starts_with(['.', '-']) || !name.chars().all(plain) {
            return Err(StoreError::Name(name.to_owned()));
        }
        Ok(self.models()?.join(name))
    }

    /// Path beside the models that is never taken for a model.
    pub(super) fn aside(&self, name: &str, suffix: &str) -> Result<PathBuf, StoreError> {
        Ok(self.models()?.join(format!(".{name}.{suffix}")))
    }

    /// Reads the manifests of all installed models, by name. A damaged manifest gives its error.
    ///
    /// # Errors
    ///
    /// If the folder of the models cannot be read.
    pub(crate) fn installed(
        &self,
    ) -> Result<BTreeMap<String, Result<Manifest, StoreError>>, StoreError> {
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
            // Names with a dot in front are locks and unfinished models.
            let name = name.to_string_lossy().into_owned();
            if !name.starts_with('.') {
                manifests.insert(name.clone(), self.manifest(&name));
            }
        }
        Ok(manifests)
    }

    /// Reads the manifest of an installed model.
    ///
    /// # Errors
    ///
    /// If the model is not installed or its manifest cannot be read.
    pub(crate) fn manifest(&self, name: &str) -> Result<Manifest, StoreError> {
        Manifest::read(name, &self.folder(name)?)
    }

    /// Finds the model of `name`: an installed model, the built-in one, or a folder. Without a
    /// name: the selected model, else gte-base-zh if it is installed, else the built-in one.
    ///
    /// # Errors
    ///
    /// If the model does not exist.
    pub(crate) fn find(&self, name: Option<&str>) -> Result<Source, StoreError> {
        let Some(name) = name else {
            return self.find_default();
        };
        match self.available(name) {
            Err(StoreError::NotInstalled(_) | StoreError::Unknown(_) | StoreError::Name(_))
                if Path::new(name).is_dir() =>
            {
                Ok(Source::Folder(Folder::new(Path::new(name))))
            }
            found => found,
        }
    }

    /// Finds the installed or built-in model of a name.
    ///
    /// # Errors
    ///
    /// If the model does not exist.
    pub(crate) fn available(&self, name: &str) -> Result<Source, StoreError> {
        match self.installed_source(name) {
            Err(StoreError::NotInstalled(_)) if name == BUILTIN => Ok(Source::Builtin),
            Ok(_) if name == BUILTIN && self.is_usurped(name)? => Ok(Source::Builtin),
            Err(StoreError::NotInstalled(_)) => Err(missing(name)?),
            found => found,
        }
    }

    /// Returns true if an installed model has a name of the catalog, and is from a repository that
    /// does not publish that model. Earlier versions have installed such models.
    fn is_usurped(&self, name: &str) -> Result<bool, StoreError> {
        let manifest = self.manifest(name)?;
        catalog::is_usurped(name, &manifest.origin.source)
    }

    fn find_default(&self) -> Result<Source, StoreError> {
        if let Some(selected) = self.selected()? {
            // A missing selected model is an error: no other model replaces it.
            return self.available(&selected);
        }
        match self.installed_source(PREFERRED) {
            Err(StoreError::NotInstalled(_)) => self.available(BUILTIN),
            Ok(_) if self.is_usurped(PREFERRED)? => self.available(BUILTIN),
            found => found,
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
            installed: true,
        }))
    }

    /// Loads the model that [`find`](Self::find) finds.
    ///
    /// # Errors
    ///
    /// If the model does not exist or cannot be used.
    pub(crate) fn load(&self, name: Option<&str>, compute: Compute) -> Result<Model, StoreError> {
        loop {
            let source = self.find(name)?;
            let before = self.manifest(source.id()).ok();
            let model = Model::load(&source, compute)?;
            // If the model was replaced meanwhile, the files read may be of both versions.
            if self.manifest(source.id()).ok() == before {
                return Ok(model);
            }
        }
    }
}

/// Makes the error for a name that is neither an installed model nor the built-in one.
fn missing(name: &str) -> Result<StoreError, StoreError> {
    let name = name.to_owned();
    Ok(match catalog::entry(&name)? {
        Some(_) => StoreError::NotInstalled(name),
        None => StoreError::Unknown(name),
    })
}
