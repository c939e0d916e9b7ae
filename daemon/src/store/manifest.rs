//! What is written down beside an installed model.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use gte_shared::wire::Pooling;
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::error::at;

/// Version of the manifest's form. A later program migrates older ones or refuses them in words.
const VERSION: u32 = 1;

/// What it is written to.
pub(super) const FILE: &str = "manifest.json";

/// What is known of an installed model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this form.
    version: u32,
    /// What the model is called.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// How it pools.
    pub pooling: Pooling,
    /// The most tokens that it reads.
    pub max_tokens: usize,
    /// Length of its vectors.
    pub dimension: u32,
    /// Its licence, where it is known.
    pub licence: Option<String>,
    /// The sha256 of each of its files, in hexadecimal.
    pub sha256: BTreeMap<String, String>,
    /// The size of all its files, in bytes.
    pub bytes: u64,
}

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The hub and the repository, or the folder.
    pub source: String,
    /// The revision there, where there is one: the commit, where the hub says which.
    pub revision: Option<String>,
    /// The name of the revision that was asked for, if one was.
    #[serde(default)]
    pub asked_for: Option<String>,
}

impl Manifest {
    /// A manifest of this program's version.
    #[must_use]
    pub(super) fn new(
        name: String,
        origin: Origin,
        card: &gte_shared::wire::ModelCard,
        licence: Option<String>,
        sha256: BTreeMap<String, String>,
        bytes: u64,
    ) -> Self {
        Self {
            version: VERSION,
            name,
            origin,
            pooling: card.pooling,
            max_tokens: card.max_tokens as usize,
            dimension: card.dimension,
            licence,
            sha256,
            bytes,
        }
    }

    pub(super) fn read(name: &str, folder: &Path) -> Result<Self, StoreError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let path = folder.join(FILE);
        let json = match fs::read(&path) {
            Ok(json) => json,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::NotInstalled(name.to_owned()));
            }
            Err(error) => return Err(at(&path)(error)),
        };
        let unreadable = |problem: String| StoreError::Manifest {
            name: name.to_owned(),
            problem,
        };
        let versioned: Versioned =
            serde_json::from_slice(&json).map_err(|error| unreadable(error.to_string()))?;
        if versioned.version != VERSION {
            let found = versioned.version;
            return Err(unreadable(format!(
                "it is of version {found}, and this program knows version {VERSION}"
            )));
        }
        serde_json::from_slice(&json).map_err(|error| unreadable(error.to_string()))
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), StoreError> {
        let path = folder.join(FILE);
        let json = serde_json::to_vec_pretty(self).map_err(|error| StoreError::Manifest {
            name: self.name.clone(),
            problem: error.to_string(),
        })?;
        fs::write(&path, json).map_err(at(&path))
    }
}
