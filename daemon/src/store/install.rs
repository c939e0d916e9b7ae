//! Installation of a model from a folder: convert it, load it once, and move it to its final
//! folder.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::catalog;
use super::error::{StoreError, at};
use super::folders::{STAGING, clear};
use super::hub::FILES;
use super::installed::Store;
use super::locks::CHANGE_LOCK;
use super::manifest::{FILE as MANIFEST, Manifest, Origin};
use super::space;
use crate::model::{
    BUILTIN, Compute, Folder, MODULES, Model, PACK, SENTENCE_CONFIGS, Source, module_files,
};

/// Result of an installation.
#[derive(Clone, Debug)]
pub(crate) struct Installed {
    pub(crate) manifest: Manifest,
    /// Notes for the user about the files: which of them disagree, and which counts.
    pub(crate) notes: Vec<String>,
}

/// Treatment of a model that is already installed under the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfInstalled {
    /// Replace it after the new model has been loaded once.
    Replace,
    /// Keep it and refuse the new model.
    Refuse,
}

impl Store {
    /// Installs the model in `folder` under `name`.
    ///
    /// # Errors
    ///
    /// If the folder has no usable model. A model that was installed before stays unchanged.
    pub(crate) fn install(
        &self,
        name: &str,
        folder: Folder,
        origin: Origin,
        license: Option<String>,
        if_installed: IfInstalled,
    ) -> Result<Installed, StoreError> {
        let target = self.folder(name)?;
        // Known by its source: the hub's own publication may replace the built-in model.
        if name == BUILTIN && !catalog::publishes(name, &origin.source)? {
            return Err(StoreError::Reserved);
        }
        let _lock = self.lock(name, CHANGE_LOCK)?;
        if if_installed == IfInstalled::Refuse
            && let Ok(manifest) = self.manifest(name)
        {
            return Err(manifest.taken());
        }
        let folder = Folder {
            id: name.to_owned(),
            ..folder
        };
        let staging = self.aside(name, STAGING)?;
        clear(&staging)?;
        fs::create_dir_all(&staging).map_err(at(&staging))?;
        let made = make(name, folder, &staging, origin, license);
        let moved = made.and_then(|installed| {
            self.activate(&staging, &target)?;
            Ok(installed)
        });
        if moved.is_err() {
            // The first error is the one to report.
            drop(clear(&staging));
        }
        moved
    }

    /// Moves a finished folder to its final path, in one step if the file system can exchange two
    /// names.
    fn activate(&self, staging: &Path, target: &Path) -> Result<(), StoreError> {
        let models = self.models()?;
        sync(staging)?;
        match renameat_with(CWD, staging, CWD, target, RenameFlags::EXCHANGE) {
            // The previous model is now in the staging folder.
            Ok(()) => clear(staging)?,
            Err(Errno::NOENT) => fs::rename(staging, target).map_err(at(target))?,
            // The file system cannot exchange names, so the model is missing for a moment.
            Err(Errno::INVAL | Errno::NOSYS) => {
                clear(target)?;
                fs::rename(staging, target).map_err(at(target))?;
            }
            Err(error) => return Err(at(target)(error.into())),
        }
        sync(&models)
    }
}

/// Writes the installed form of a model into `staging` and loads it once.
fn make(
    name: &str,
    folder: Folder,
    staging: &Path,
    origin: Origin,
    license: Option<String>,
) -> Result<Installed, StoreError> {
    let from = Source::Folder(folder.clone());
    // What is wrong with the small files is found before the weights are read.
    Model::check(&from)?;
    let weights = from.weights()?.into_pack()?;
    space::check(staging, weights.bytes())?;
    let mut files = vec![PACK.to_owned()];
    for file in small_files(&from)? {
        let Some(content) = from.read(&file)? else {
            continue;
        };
        let path = staging.join(&file);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(at(parent))?;
        }
        fs::write(&path, content).map_err(at(&path))?;
        files.push(file);
    }
    weights.write(&staging.join(PACK))?;
    let made = Folder {
        path: staging.to_owned(),
        weights: None,
        ..folder
    };
    let model = Model::load(&Source::Folder(made), Compute::REFERENCE)?;

    let mut sha256 = BTreeMap::new();
    let mut bytes = 0;
    for file in files {
        let path = staging.join(&file);
        let (digest, length) = digest(&path)?;
        sync(&path)?;
        sha256.insert(file, digest);
        bytes += length;
    }
    let manifest = Manifest::new(name.to_owned(), origin, &model.info, license, sha256, bytes);
    manifest.write(staging)?;
    sync(&staging.join(MANIFEST))?;
    let notes = model.notes;
    Ok(Installed { manifest, notes })
}

/// Files of a model other than its weights.
fn small_files(source: &Source) -> Result<Vec<String>, StoreError> {
    let mut files: Vec<String> = FILES.map(str::to_owned).into();
    files.extend(SENTENCE_CONFIGS.map(str::to_owned));
    if let Some(modules) = source.read(MODULES)? {
        files.extend(module_files(&modules)?);
    }
    files.sort();
    files.dedup();
    Ok(files)
}

/// Flushes a file or folder to the disk before it is renamed: a power cut must not leave an
/// installed model with empty files.
fn sync(path: &Path) -> Result<(), StoreError> {
    let file = File::open(path).map_err(at(path))?;
    file.sync_all().map_err(at(path))
}

/// Returns the sha256 of a file in hexadecimal, and the file's length in bytes.
pub(super) fn digest(path: &Path) -> Result<(String, u64), StoreError> {
    let mut file = File::open(path).map_err(at(path))?;
    let mut hasher = Sha256::new();
    let length = io::copy(&mut file, &mut hasher).map_err(at(path))?;
    Ok((format!("{:x}", hasher.finalize()), length))
}
