//! What is wanted, and the repositories that may have it.

use std::path::PathBuf;

use gte_shared::wire::Pooling;

use super::catalogue::{self, Hub, Publication};
use super::hub::Repository;
use super::{Origin, StoreError};
use crate::model::Folder;

/// Where a model is to come from.
#[derive(Clone, Debug)]
pub enum From {
    /// A hub.
    Hub(Hub),
    /// A mirror of Hugging Face, by its address.
    Mirror(String),
    /// A folder on this machine.
    Folder(PathBuf),
}

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// A name of the catalogue, or `owner/name` of a repository.
    pub model: String,
    /// Where from; anywhere, if nothing is said.
    pub from: Option<From>,
    /// A revision other than the newest.
    pub revision: Option<String>,
    /// How the model pools, where its files do not say so.
    pub pooling: Option<Pooling>,
    /// Whether the network must not be used.
    pub offline: bool,
}

/// What is wanted, looked up.
#[derive(Debug)]
pub(super) struct Candidates {
    /// What the model is called here.
    pub(super) name: String,
    /// The repositories that may have it, the first to be tried first.
    pub(super) repositories: Vec<Candidate>,
    /// Whether the catalogue knows the model.
    known: bool,
    pooling: Option<Pooling>,
    max_tokens: Option<usize>,
}

/// A repository that may have the model, and the licence that its hub states.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) repository: Repository,
    pub(super) licence: Option<String>,
}

impl Candidates {
    pub(super) fn of(wanted: &Wanted) -> Result<Self, StoreError> {
        let model = wanted.model.as_str();
        let entry = match catalogue::entry(model)? {
            None => catalogue::entry_of_repo(model)?,
            known => known,
        };
        let known = entry.is_some();
        let (pooling, max_tokens) = match &entry {
            Some(entry) => (Some(entry.pooling), Some(entry.max_tokens)),
            None => (None, None),
        };
        let (name, published) = match entry {
            Some(entry) => (entry.name, entry.sources),
            None => unlisted(wanted)?,
        };
        let repositories = published
            .into_iter()
            .filter(|source| match &wanted.from {
                None | Some(From::Folder(_)) => true,
                Some(From::Hub(wanted)) => *wanted == source.hub,
                Some(From::Mirror(_)) => source.hub == Hub::HuggingFace,
            })
            .map(|source| {
                let revision = wanted.revision.as_deref();
                let repository = Repository::new(source.hub, &source.repo, revision);
                Candidate {
                    repository: match &wanted.from {
                        Some(From::Mirror(endpoint)) => repository.at(endpoint),
                        _ => repository,
                    },
                    licence: Some(source.licence).filter(|licence| !licence.is_empty()),
                }
            });
        Ok(Self {
            name,
            repositories: repositories.collect(),
            known,
            pooling: wanted.pooling.or(pooling),
            max_tokens,
        })
    }

    /// A folder with the model's files, and what is known of it besides.
    pub(super) fn in_folder(&self, path: &std::path::Path) -> Folder {
        Folder {
            pooling: self.pooling,
            max_tokens: self.max_tokens,
            ..Folder::new(path)
        }
    }

    /// Whether a model that is installed under this name is the one that is wanted.
    pub(super) fn are_met_by(&self, origin: &Origin, wanted: &Wanted) -> bool {
        let revision = wanted.revision.is_none()
            || wanted.revision == origin.revision
            || wanted.revision == origin.asked_for;
        let source = match &wanted.from {
            Some(From::Folder(folder)) => origin.source == folder.display().to_string(),
            // Whichever of its sources it is from.
            None if self.known => true,
            _ => {
                let mut repositories = self.repositories.iter();
                repositories.any(|one| one.repository.source() == origin.source)
            }
        };
        revision && source
    }
}

/// Name and possible places of a model that the catalogue does not know.
fn unlisted(wanted: &Wanted) -> Result<(String, Vec<Publication>), StoreError> {
    let model = wanted.model.as_str();
    let from_folder = matches!(wanted.from, Some(From::Folder(_)));
    if from_folder && !model.contains('/') {
        return Ok((model.to_owned(), Vec::new()));
    }
    let Some((owner, name)) = model.split_once('/') else {
        return Err(StoreError::Unknown(model.to_owned()));
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let part =
        |part: &str| !part.is_empty() && part != "." && part != ".." && part.chars().all(plain);
    if !part(owner) || !part(name) {
        return Err(StoreError::Repository(model.to_owned()));
    }
    let published = Hub::ALL.map(|hub| Publication {
        hub,
        repo: model.to_owned(),
        licence: String::new(),
    });
    Ok((name.to_owned(), published.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(model: &str, from: Option<From>) -> Wanted {
        Wanted {
            model: model.to_owned(),
            from,
            revision: None,
            pooling: None,
            offline: false,
        }
    }

    fn candidates(model: &str, from: Option<From>) -> Result<Candidates, StoreError> {
        Candidates::of(&wanted(model, from))
    }

    #[test]
    fn a_repository_without_a_name_in_the_catalogue_is_asked_for_at_both_hubs() {
        let hubs = |model, from| -> Vec<Hub> {
            let candidates = candidates(model, from).unwrap().repositories;
            candidates.iter().map(|one| one.repository.hub).collect()
        };
        assert_eq!(hubs("owner/name", None), Hub::ALL);
        assert_eq!(hubs("gte-base-zh", None), Hub::ALL);
        let hub = Some(From::Hub(Hub::HuggingFace));
        assert_eq!(hubs("gte-base-zh", hub), [Hub::HuggingFace]);
        let name = |model| candidates(model, None).unwrap().name;
        let scope = "iic/nlp_gte_sentence-embedding_chinese-base";
        assert_eq!(name(scope), "gte-base-zh", "a known model keeps its name");
        assert_eq!(name("owner/name"), "name");
    }

    #[test]
    fn what_is_no_repository_is_refused() {
        assert!(matches!(
            candidates("nonsense", None),
            Err(StoreError::Unknown(_))
        ));
        for model in [
            "a/b/c", "/models", "owner/", "owner/..", "o/n?x", "名/n", "o/a b",
        ] {
            let refused = candidates(model, None);
            assert!(matches!(refused, Err(StoreError::Repository(_))), "{model}");
        }
    }

    #[test]
    fn the_catalogue_speaks_for_its_own_repositories_only() {
        let pooling = |model| candidates(model, None).unwrap().pooling;
        assert_eq!(pooling("thenlper/gte-base"), Some(Pooling::Mean));
        assert_eq!(pooling("somebody/gte-base"), None);
    }

    #[test]
    fn another_model_of_the_same_name_is_not_the_wanted_one() {
        let origin = |source: &str| Origin {
            source: source.to_owned(),
            revision: Some("abc".to_owned()),
            asked_for: Some("main".to_owned()),
        };
        let met = |wanted: &Wanted, source| {
            let candidates = Candidates::of(wanted).unwrap();
            candidates.are_met_by(&origin(source), wanted)
        };
        let ours = wanted("a/model", None);
        assert!(met(&ours, "huggingface:a/model"));
        assert!(met(&ours, "modelscope:a/model"));
        assert!(!met(&ours, "huggingface:b/model"));
        let revision = |revision: &str| Wanted {
            revision: Some(revision.to_owned()),
            ..ours.clone()
        };
        assert!(met(&revision("abc"), "huggingface:a/model"));
        assert!(met(&revision("main"), "huggingface:a/model"));
        assert!(!met(&revision("v2"), "huggingface:a/model"));
        // A model of the catalogue may come from anywhere, if nothing is said.
        assert!(met(&wanted("gte-base-zh", None), "/models/gte"));
        let mirror = Some(From::Mirror("http://mirror.example".to_owned()));
        assert!(!met(&wanted("gte-base-zh", mirror), "/models/gte"));
    }
}
