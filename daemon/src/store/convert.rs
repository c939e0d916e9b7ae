//! Installing a model from a folder: converted, tried out, and only then put into its place.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::at;
use super::manifest::{FILE as MANIFEST, Manifest, Origin};
use super::{LOCK, STAGING, Store, StoreError, clear, space};
use crate::model::{Compute, Folder, Model, PACK, Source};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// Files that an installed model keeps as they are.
const KEPT: [&str; 6] = [
    "config.json",
    "tokenizer.json",
    "vocab.txt",
    "tokenizer_config.json",
    "sentence_bert_config.json",
    "modules.json",
];

/// What to do with a model that is installed already under the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occupied {
    /// It is replaced, once the new one has been tried.
    Replaced,
    /// It stays, and the new one is refused.
    Stays,
}

impl Store {
    /// Installs the model in `folder` under `name`.
    ///
    /// # Errors
    ///
    /// If the folder is no model that can be used; what was there before is then untouched.
    pub fn install(
        &self,
        name: &str,
        folder: Folder,
        origin: Origin,
        licence: Option<String>,
        occupied: Occupied,
    ) -> Result<Manifest, StoreError> {
        let place = self.folder(name)?;
        let _lock = self.lock(name, LOCK)?;
        if occupied == Occupied::Stays
            && let Ok(manifest) = self.manifest(name)
        {
            return Err(StoreError::taken(manifest));
        }
        let folder = Folder {
            id: name.to_owned(),
            ..folder
        };
        let staging = self.aside(name, STAGING)?;
        clear(&staging)?;
        fs::create_dir_all(&staging).map_err(at(&staging))?;
        let made = make(name, folder, &staging, origin, licence);
        let put = made.and_then(|manifest| {
            self.put(&staging, &place)?;
            Ok(manifest)
        });
        if put.is_err() {
            // The error that matters is the one that is reported.
            drop(clear(&staging));
        }
        put
    }

    /// Puts a finished folder into its place, in one step if the file system can exchange two names.
    fn put(&self, staging: &Path, place: &Path) -> Result<(), StoreError> {
        let models = self.models()?;
        sync(staging)?;
        match renameat_with(CWD, staging, CWD, place, RenameFlags::EXCHANGE) {
            // The old one is now where the new one was made.
            Ok(()) => clear(staging)?,
            Err(Errno::NOENT) => fs::rename(staging, place).map_err(at(place))?,
            // A file system that cannot exchange: there is a moment without a model.
            Err(Errno::INVAL | Errno::NOSYS) => {
                clear(place)?;
                fs::rename(staging, place).map_err(at(place))?;
            }
            Err(error) => return Err(at(place)(error.into())),
        }
        sync(&models)
    }
}

/// Makes the installed form in `staging` and tries it out.
fn make(
    name: &str,
    folder: Folder,
    staging: &Path,
    origin: Origin,
    licence: Option<String>,
) -> Result<Manifest, StoreError> {
    let from = Source::Folder(folder.clone());
    let weights = from.weights()?;
    space::check(staging, weights.bytes())?;
    for file in KEPT {
        if let Some(content) = from.read(file)? {
            let path = staging.join(file);
            fs::write(&path, content).map_err(at(&path))?;
        }
    }
    weights.write_pack(&staging.join(PACK))?;

    // The folder says how it pools, or the catalogue does: loading finds out which, or refuses.
    let pooling = from.read("1_Pooling/config.json")?;
    if let Some(pooling) = pooling {
        let path = staging.join("1_Pooling");
        fs::create_dir_all(&path).map_err(at(&path))?;
        let path = path.join("config.json");
        fs::write(&path, pooling).map_err(at(&path))?;
    }
    let made = Folder {
        path: staging.to_owned(),
        weights: None,
        ..folder
    };
    let model = Model::load(&Source::Folder(made), Compute::REFERENCE)?;

    let mut sha256 = BTreeMap::new();
    let mut bytes = 0;
    for file in KEPT.iter().chain(&[PACK, "1_Pooling/config.json"]) {
        let path = staging.join(file);
        if path.is_file() {
            let (digest, length) = digest(&path)?;
            sync(&path)?;
            sha256.insert((*file).to_owned(), digest);
            bytes += length;
        }
    }
    let manifest = Manifest::new(name.to_owned(), origin, &model.card, licence, sha256, bytes);
    manifest.write(staging)?;
    sync(&staging.join(MANIFEST))?;
    Ok(manifest)
}

/// Makes sure that a file or folder is on the disk before it is renamed into its place: a power cut must not
/// leave an installed model with empty files.
fn sync(path: &Path) -> Result<(), StoreError> {
    let file = File::open(path).map_err(at(path))?;
    file.sync_all().map_err(at(path))
}

/// The sha256 of a file in hexadecimal, and its length.
pub(super) fn digest(path: &Path) -> Result<(String, u64), StoreError> {
    let mut file = File::open(path).map_err(at(path))?;
    let mut hasher = Sha256::new();
    let length = io::copy(&mut file, &mut hasher).map_err(at(path))?;
    Ok((format!("{:x}", hasher.finalize()), length))
}
