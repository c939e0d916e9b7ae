//! The manifest of an installed model: its origin, properties and checksums.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use gte_shared::wire::{ModelInfo, Pooling};
use serde::{Deserialize, Serialize};

use super::catalog;
use super::error::{StoreError, at};
use super::http::shown;

/// Version of the manifest's format. A later program must migrate or refuse older versions.
const VERSION: u32 = 1;

/// File name of the manifest.
pub(super) const FILE: &str = "manifest.json";

/// Description of an installed model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// Version of this format.
    version: u32,
    /// Name of the model.
    pub(crate) name: String,
    /// Origin of the model.
    pub(crate) origin: Origin,
    /// Pooling of the model.
    pub(crate) pooling: Pooling,
    /// Most tokens of a text that the model reads.
    pub(crate) max_tokens: usize,
    /// Values per vector.
    pub(crate) dimension: u32,
    /// License of the model, if it is known.
    #[serde(rename = "licence")]
    pub(crate) license: Option<String>,
    /// The sha256 of each file of the model, in hexadecimal.
    pub(crate) sha256: BTreeMap<String, String>,
    /// Size of all files of the model, in bytes.
    pub(crate) bytes: u64,
    /// True if the user was told which of the files disagree. Earlier programs read fewer of them.
    #[serde(default)]
    pub(crate) has_told_notes: bool,
}

/// Origin of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// The hub and the repository, or the folder.
    pub(crate) source: String,
    /// The revision at a hub: the commit, if the hub states it.
    pub(crate) revision: Option<String>,
    /// Name of the revision that the user asked for.
    #[serde(default)]
    pub(crate) asked_for: Option<String>,
}

impl Manifest {
    /// Creates a manifest of the current version.
    #[must_use]
    pub(super) fn new(
        name: String,
        origin: Origin,
        info: &ModelInfo,
        license: Option<String>,
        sha256: BTreeMap<String, String>,
        bytes: u64,
    ) -> Self {
        Self {
            version: VERSION,
            name,
            origin,
            pooling: info.pooling,
            max_tokens: info.max_tokens as usize,
            dimension: info.dimension,
            license,
            sha256,
            bytes,
            has_told_notes: true,
        }
    }

    /// Reads the manifest in a model's folder.
    pub(super) fn read(name: &str, folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(FILE);
        let json = match fs::read(&path) {
            Ok(json) => json,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::NotInstalled(name.to_owned()));
            }
            Err(error) => return Err(at(&path)(error)),
        };
        Self::parse(name, &json)
    }

    fn parse(name: &str, json: &[u8]) -> Result<Self, StoreError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let unreadable = |problem: String| StoreError::Manifest {
            name: name.to_owned(),
            problem,
        };
        let versioned: Versioned =
            serde_json::from_slice(json).map_err(|error| unreadable(error.to_string()))?;
        if versioned.version != VERSION {
            let found = versioned.version;
            return Err(unreadable(format!(
                "it is of version {found}, and this program reads version {VERSION}"
            )));
        }
        let mut manifest: Self =
            serde_json::from_slice(json).map_err(|error| unreadable(error.to_string()))?;
        // Earlier versions kept the password of a mirror.
        if manifest.origin.source.contains("://") {
            manifest.origin.source = shown(&manifest.origin.source);
        }
        Ok(manifest)
    }

    /// Writes the manifest into a model's folder.
    pub(super) fn write(&self, folder: &Path) -> Result<(), StoreError> {
        let path = folder.join(FILE);
        let json = serde_json::to_vec_pretty(self).map_err(|error| StoreError::Manifest {
            name: self.name.clone(),
            problem: error.to_string(),
        })?;
        fs::write(&path, json).map_err(at(&path))
    }

    /// Checks that a name of the catalog belongs to one of its publications, or to a folder that
    /// the user has named so. Earlier versions have installed other models under such names.
    pub(crate) fn check_name(&self) -> Result<(), StoreError> {
        if catalog::is_usurped(&self.name, &self.origin.source)? {
            return Err(StoreError::Usurped {
                name: self.name.clone(),
                origin: self.origin.source.clone(),
            });
        }
        Ok(())
    }

    /// Makes the error for an installation under the name of this model.
    pub(super) fn taken(self) -> StoreError {
        let source = self.origin.source;
        StoreError::Taken {
            name: self.name,
            origin: match self.origin.revision {
                Some(revision) => format!("{source} at {revision}"),
                None => source,
            },
        }
    }
}

/// Reads a manifest, for the fuzz target.
#[cfg(fuzzing)]
pub(crate) fn read_manifest(json: &[u8]) {
    drop(Manifest::parse("model", json));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifest_keeps_its_stored_keys() {
        let manifest = serde_json::json!({
            "version": VERSION,
            "name": "model",
            "origin": { "source": "huggingface:owner/model", "revision": "abc" },
            "pooling": "cls",
            "max_tokens": 512,
            "dimension": 768,
            "licence": "MIT",
            "sha256": {},
            "bytes": 1
        });
        let manifest: Manifest = serde_json::from_value(manifest).unwrap();
        assert_eq!(manifest.license.as_deref(), Some("MIT"));
        let written = serde_json::to_value(&manifest).unwrap();
        assert_eq!(written["licence"], "MIT");
        let taken = manifest.taken();
        assert_eq!(
            taken.to_string(),
            "another model or revision is installed as model, from huggingface:owner/model at abc"
        );
        let hint = taken.hint().unwrap();
        assert_eq!(hint, "remove it with `gted remove model`");
    }
}
