//! The models that are known by name. The catalogue itself is data: `assets/catalogue.json`.

use gte_shared::wire::Pooling;
use serde::{Deserialize, Serialize};

use super::StoreError;

const JSON: &str = include_str!("../../assets/catalogue.json");

/// One known model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What it is called here.
    pub name: String,
    /// Language of its texts, `zh` or `en`.
    pub language: String,
    /// How it pools, which not every layout says.
    pub pooling: Pooling,
    /// The most tokens that it reads.
    pub max_tokens: usize,
    /// About how much there is to download, in megabytes.
    pub megabytes: u64,
    /// Where it is published, the first to be tried first.
    pub sources: Vec<Publication>,
}

/// One place where a model is published.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publication {
    /// The hub.
    pub hub: Hub,
    /// The repository there, `owner/name`.
    pub repo: String,
    /// The licence that this hub states for it.
    pub licence: String,
}

/// A place that models are published at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hub {
    /// ModelScope.
    ModelScope,
    /// Hugging Face.
    HuggingFace,
}

impl Hub {
    /// All of them.
    pub(super) const ALL: [Self; 2] = [Self::ModelScope, Self::HuggingFace];

    /// What it is called, by users and in manifests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ModelScope => "modelscope",
            Self::HuggingFace => "huggingface",
        }
    }

    /// What the folder is called that files are fetched into. Each hub has its own, so that an attempt
    /// at one does not undo what has come from the other.
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
/// If the program's own file is damaged.
pub fn entries() -> Result<Vec<Entry>, StoreError> {
    super::builtin("catalogue.json", JSON)
}

/// The known model of a name.
///
/// # Errors
///
/// If the program's own file is damaged.
pub fn entry(name: &str) -> Result<Option<Entry>, StoreError> {
    Ok(entries()?.into_iter().find(|entry| entry.name == name))
}

/// The known model that is published under `repo`, with that publication alone.
///
/// # Errors
///
/// If the program's own file is damaged.
pub fn entry_of_repo(repo: &str) -> Result<Option<Entry>, StoreError> {
    let published = entries()?.into_iter().map(|mut entry| {
        entry.sources.retain(|source| source.repo == repo);
        entry
    });
    // Several hubs may have it under the same name.
    Ok({ published }.find(|entry| !entry.sources.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_whole() {
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
