//! Catalog of the models that are known by name. Its data is in `assets/catalog.json`.

use gte_shared::wire::Pooling;
use serde::{Deserialize, Serialize};

use super::builtin_data;
use super::error::StoreError;

const JSON: &str = include_str!("../../assets/catalog.json");

/// A known model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// Name of the model in this program.
    pub(crate) name: String,
    /// Language of the model's texts, `zh` or `en`.
    #[allow(dead_code, reason = "for readers of the catalog; a test checks it")]
    pub(crate) language: String,
    /// Pooling of the model, which some repositories do not state.
    pub(crate) pooling: Pooling,
    /// Most tokens of a text that the model reads.
    pub(crate) max_tokens: usize,
    /// Approximate size of the download, in megabytes.
    pub(crate) megabytes: u64,
    /// Publications of the model, in the order of the attempts.
    pub(crate) sources: Vec<Publication>,
}

/// Publication of a model at a hub.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Publication {
    /// The hub.
    pub(crate) hub: Hub,
    /// The repository at the hub, `owner/name`.
    pub(crate) repo: String,
    /// License that the hub states for the model.
    #[serde(rename = "licence")]
    pub(crate) license: String,
}

/// Site at which models are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Hub {
    /// ModelScope.
    ModelScope,
    /// Hugging Face.
    HuggingFace,
}

impl Hub {
    /// All hubs, in the order of the attempts.
    pub(super) const ALL: [Self; 2] = [Self::ModelScope, Self::HuggingFace];

    /// Name of the hub for users and in manifests.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ModelScope => "modelscope",
            Self::HuggingFace => "huggingface",
        }
    }

    /// Suffix of the folder for downloads. Each hub has its own folder, so that an attempt at one
    /// hub keeps the files from the other.
    pub(super) fn download_folder(self) -> &'static str {
        match self {
            Self::ModelScope => "modelscope.download",
            Self::HuggingFace => "huggingface.download",
        }
    }
}

/// Returns all known models.
///
/// # Errors
///
/// If the program's own data is damaged.
pub(crate) fn entries() -> Result<Vec<Entry>, StoreError> {
    builtin_data::parse("catalog.json", JSON)
}

/// Finds the known model of a name.
///
/// # Errors
///
/// If the program's own data is damaged.
pub(crate) fn entry(name: &str) -> Result<Option<Entry>, StoreError> {
    Ok(entries()?.into_iter().find(|entry| entry.name == name))
}

/// Finds the known model that is published under `repo`, with that publication alone.
///
/// # Errors
///
/// If the program's own data is damaged.
pub(crate) fn entry_of_repo(repo: &str) -> Result<Option<Entry>, StoreError> {
    let published = entries()?.into_iter().map(|mut entry| {
        entry.sources.retain(|source| source.repo == repo);
        entry
    });
    // Several hubs may have the repository under the same name.
    Ok({ published }.find(|entry| !entry.sources.is_empty()))
}

/// Returns true if the catalog lists `source` (a manifest's `hub:owner/name`, or the address of a
/// mirror and `owner/name`) as a publication of the model `name`.
///
/// # Errors
///
/// If the program's own data is damaged.
pub(crate) fn publishes(name: &str, source: &str) -> Result<bool, StoreError> {
    let published = entry(name)?.map(|entry| entry.sources).unwrap_or_default();
    Ok(published.iter().any(|publication| {
        let (hub, repo) = (publication.hub.name(), &publication.repo);
        let of_mirror = || {
            let address = source.strip_suffix(repo)?.strip_suffix('/')?;
            (publication.hub == Hub::HuggingFace && address.contains("://")).then_some(())
        };
        source == format!("{hub}:{repo}") || of_mirror().is_some()
    }))
}

/// Returns true if `name` is in the catalog, and `source` is a repository that does not publish
/// that model.
///
/// # Errors
///
/// If the program's own data is damaged.
pub(crate) fn is_usurped(name: &str, source: &str) -> Result<bool, StoreError> {
    let of_hub = |hub: &Hub| source.starts_with(&format!("{}:", hub.name()));
    let repository = source.contains("://") || Hub::ALL.iter().any(of_hub);
    Ok(repository && entry(name)?.is_some() && !publishes(name, source)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalog_is_complete() {
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

    #[test]
    fn a_name_belongs_to_its_publications() {
        for (source, published, usurped) in [
            ("huggingface:thenlper/gte-base-zh", true, false),
            ("https://mirror.example/thenlper/gte-base-zh", true, false),
            ("huggingface:somebody/gte-base-zh", false, true),
            ("https://mirror.example/somebody/gte-base-zh", false, true),
            ("modelscope:thenlper/gte-base-zh", false, true),
            // A folder that the user has named so.
            ("/models/gte-base-zh", false, false),
        ] {
            let name = "gte-base-zh";
            assert_eq!(publishes(name, source).unwrap(), published, "{source}");
            assert_eq!(is_usurped(name, source).unwrap(), usurped, "{source}");
        }
        assert!(!is_usurped("name", "huggingface:somebody/name").unwrap());
    }
}
