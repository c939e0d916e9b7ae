//! The models that are known by name. Their data is in `assets/catalogue.json`.

use gte_shared::wire::Pooling;
use serde::{Deserialize, Serialize};

use super::builtin_data;
use super::error::StoreError;

const JSON: &str = include_str!("../../assets/catalogue.json");

/// One known model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Name of the model in this program.
    pub name: String,
    /// Language of the model's texts, `zh` or `en`.
    pub language: String,
    /// Pooling of the model, which not every layout states.
    pub pooling: Pooling,
    /// The most tokens of a text that the model reads.
    pub max_tokens: usize,
    /// Approximate size of the download, in megabytes.
    pub megabytes: u64,
    /// Publications of the model, in the order in which they are tried.
    pub sources: Vec<Publication>,
}

/// Publication of a model at a hub.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publication {
    /// The hub.
    pub hub: Hub,
    /// The repository at the hub, `owner/name`.
    pub repo: String,
    /// License that the hub states for the model.
    #[serde(rename = "licence")]
    pub license: String,
}

/// Site at which models are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hub {
    /// ModelScope.
    ModelScope,
    /// Hugging Face.
    HuggingFace,
}

impl Hub {
    /// All hubs, in the order in which they are tried.
    pub(super) const ALL: [Self; 2] = [Self::ModelScope, Self::HuggingFace];

    /// Name of the hub for users and in manifests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ModelScope => "modelscope",
            Self::HuggingFace => "huggingface",
        }
    }

    /// Name of the folder for downloads. Each hub has its own folder, so that an attempt at one hub
    /// keeps the files from the other.
    pub(super) fn download_folder(self) -> &'static str {
        match self {
            Self::ModelScope => "modelscope.download",
            Self::HuggingFace => "huggingface.download",
        }
    }
}

/// All known models.
///
/// # Errors
///
/// If the program's own data is damaged.
pub fn entries() -> Result<Vec<Entry>, StoreError> {
    builtin_data::parse("catalogue.json", JSON)
}

/// The known model of a name.
///
/// # Errors
///
/// If the program's own data is damaged.
pub fn entry(name: &str) -> Result<Option<Entry>, StoreError> {
    Ok(entries()?.into_iter().find(|entry| entry.name == name))
}

/// The known model that is published under `repo`, with that publication alone.
///
/// # Errors
///
/// If the program's own data is damaged.
pub fn entry_of_repo(repo: &str) -> Result<Option<Entry>, StoreError> {
    let published = entries()?.into_iter().map(|mut entry| {
        entry.sources.retain(|source| source.repo == repo);
        entry
    });
    // Several hubs may have the repository under the same name.
    Ok({ published }.find(|entry| !entry.sources.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalogue_is_complete() {
        let entries = entries().unwrap();
        assert_eq!(entries.len(), 10);
        for entry in entries {
            assert!(!entry.sources.is_empty(), "{}", entry.name);
            assert!(matches!(entry.language.as_str(), "zh" | "en"));
            for source in &entry.sources {
                assert_eq!(source.repo.split('/').count(), 2, "{}", source.repo);
            }
        }
        assert_eq!(entry("gte-base-zh").unwrap().unwrap().pooling, Pooling::Cls);
        assert_eq!(entry("gte-base").unwrap().unwrap().pooling, Pooling::Mean);
        assert!(entry("nonsense").unwrap().is_none());
    }
}
