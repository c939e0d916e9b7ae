//! The repositories that may have a requested model.

use std::path::Path;

use gte_shared::wire::Pooling;

use super::catalog::{self, Hub, Publication};
use super::error::StoreError;
use super::hub::Repository;
use super::manifest::Origin;
use super::pull_request::{PullRequest, PullSource};
use crate::model::Folder;

/// Repositories that may have a requested model, and the known properties of the model.
#[derive(Debug)]
pub(super) struct Candidates {
    /// Name under which the model is installed.
    pub(super) name: String,
    /// Repositories that may have the model, in the order of the attempts.
    pub(super) repositories: Vec<Candidate>,
    /// True if the catalog has the model.
    known: bool,
    pooling: Option<Pooling>,
    max_tokens: Option<usize>,
}

/// A repository that may have the model, and the license that its hub states.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) repository: Repository,
    pub(super) license: Option<String>,
}

impl Candidates {
    /// Finds the candidates for a request.
    pub(super) fn of(request: &PullRequest) -> Result<Self, StoreError> {
        let model = request.model.as_str();
        check_revision(request.revision.as_deref())?;
        let entry = match catalog::entry(model)? {
            None => catalog::entry_of_repo(model)?,
            known => known,
        };
        let known = entry.is_some();
        let (pooling, max_tokens) = match &entry {
            Some(entry) => (Some(entry.pooling), Some(entry.max_tokens)),
            None => (None, None),
        };
        let (name, published) = match entry {
            Some(entry) => (entry.name, entry.sources),
            None => unlisted(request)?,
        };
        let repositories = published
            .into_iter()
            .filter(|source| match &request.from {
                None | Some(PullSource::Folder(_)) => true,
                Some(PullSource::Hub(hub)) => *hub == source.hub,
                Some(PullSource::Mirror(_)) => source.hub == Hub::HuggingFace,
            })
            .map(|source| {
                let revision = request.revision.as_deref();
                let repository = Repository::new(source.hub, &source.repo, revision);
                Candidate {
                    repository: match &request.from {
                        Some(PullSource::Mirror(endpoint)) => repository.at(endpoint),
                        _ => repository,
                    },
                    license: Some(source.license).filter(|license| !license.is_empty()),
                }
            });
        Ok(Self {
            name,
            repositories: repositories.collect(),
            known,
            pooling: request.pooling.or(pooling),
            max_tokens,
        })
    }

    /// Describes a folder of the model's files, with the properties that the files may not state.
    pub(super) fn in_folder(&self, path: &Path) -> Folder {
        Folder {
            pooling: self.pooling,
            max_tokens: self.max_tokens,
            ..Folder::new(path)
        }
    }

    /// Returns true if an installed model of this name and of this origin satisfies the request.
    pub(super) fn are_met_by(&self, origin: &Origin, request: &PullRequest) -> bool {
        let revision = request.revision.is_none()
            || request.revision == origin.revision
            || request.revision == origin.asked_for;
        let source = match &request.from {
            Some(PullSource::Folder(folder)) => origin.source == folder.display().to_string(),
            // A known model may come from any source.
            None if self.known => true,
            _ => {
                let mut repositories = self.repositories.iter();
                repositories.any(|one| one.repository.source() == origin.source)
            }
        };
        revision && source
    }
}

/// Refuses a revision that would lead out of a cache's folder.
fn check_revision(revision: Option<&str>) -> Result<(), StoreError> {
    let Some(revision) = revision else {
        return Ok(());
    };
    let mut parts = revision.split('/');
    let is_plain = parts.all(|part| !matches!(part, "" | "." | ".."));
    if is_plain && !revision.contains(['\\', '\0']) {
        return Ok(());
    }
    Err(StoreError::Revision(revision.to_owned()))
}

/// Returns name and possible publications of a model that the catalog does not have.
fn unlisted(request: &PullRequest) -> Result<(String, Vec<Publication>), StoreError> {
    let model = request.model.as_str();
    let from_folder = matches!(request.from, Some(PullSource::Folder(_)));
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
        license: String::new(),
    });
    Ok((own_name(owner, name)?, published.into()))
}

/// Name of the model of a repository that the catalog does not have. The catalog's names belong to
/// the catalog's models: a repository of somebody else must neither become the default nor pass for
/// the built-in model.
fn own_name(owner: &str, name: &str) -> Result<String, StoreError> {
    Ok(match catalog::entry(name)? {
        Some(_) => format!("{owner}--{name}"),
        None => name.to_owned(),
    })
}

/// Name under which the model of a repository, `owner/name`, is installed.
///
/// # Errors
///
/// If the catalog cannot be read.
pub(crate) fn installed_name(repository: &str) -> Result<String, StoreError> {
    if let Some(entry) = catalog::entry_of_repo(repository)? {
        return Ok(entry.name);
    }
    match repository.split_once('/') {
        Some((owner, name)) => own_name(owner, name),
        None => Ok(repository.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(model: &str, from: Option<PullSource>) -> PullRequest {
        PullRequest {
            model: model.to_owned(),
            from,
            revision: None,
            pooling: None,
            offline: false,
        }
    }

    fn candidates(model: &str, from: Option<PullSource>) -> Result<Candidates, StoreError> {
        Candidates::of(&request(model, from))
    }

    #[test]
    fn unlisted_repository_is_looked_up_at_both_hubs() {
        let hubs = |model, from| -> Vec<Hub> {
            let candidates = candidates(model, from).unwrap().repositories;
            candidates.iter().map(|one| one.repository.hub).collect()
        };
        assert_eq!(hubs("owner/name", None), Hub::ALL);
        assert_eq!(hubs("gte-base-zh", None), Hub::ALL);
        let hub = Some(PullSource::Hub(Hub::HuggingFace));
        assert_eq!(hubs("gte-base-zh", hub), [Hub::HuggingFace]);
    }

    #[test]
    fn catalog_or_repository_names_the_model() {
        let name = |model| candidates(model, None).unwrap().name;
        let scope = "iic/nlp_gte_sentence-embedding_chinese-base";
        assert_eq!(name(scope), "gte-base-zh");
        assert_eq!(name("owner/name"), "name");
        assert_eq!(name("somebody/gte-base-zh"), "somebody--gte-base-zh");
        let builtin = "somebody/bge-small-zh-v1.5";
        assert_eq!(name(builtin), "somebody--bge-small-zh-v1.5");
        assert_eq!(name("BAAI/bge-small-zh-v1.5"), "bge-small-zh-v1.5");
    }

    #[test]
    fn invalid_repository_names_are_refused() {
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
    fn revisions_that_lead_elsewhere_are_refused() {
        let of = |revision: &str| {
            let revision = Some(revision.to_owned());
            Candidates::of(&PullRequest {
                revision,
                ..request("a/model", None)
            })
        };
        for revision in ["../../x", "/x", "a//b", "a/./b", "..", "", "a\\b"] {
            assert!(
                matches!(of(revision), Err(StoreError::Revision(_))),
                "{revision}"
            );
        }
        for revision in ["main", "refs/pr/4", "v1.5", "0123456"] {
            assert!(of(revision).is_ok(), "{revision}");
        }
    }

    #[test]
    fn catalog_describes_its_own_repositories_only() {
        let pooling = |model| candidates(model, None).unwrap().pooling;
        assert_eq!(pooling("thenlper/gte-base"), Some(Pooling::Mean));
        assert_eq!(pooling("somebody/gte-base"), None);
    }

    #[test]
    fn installed_model_of_another_origin_is_not_a_match() {
        let origin = |source: &str| Origin {
            source: source.to_owned(),
            revision: Some("abc".to_owned()),
            asked_for: Some("main".to_owned()),
        };
        let met = |request: &PullRequest, source| {
            let candidates = Candidates::of(request).unwrap();
            candidates.are_met_by(&origin(source), request)
        };
        let ours = request("a/model", None);
        assert!(met(&ours, "huggingface:a/model"));
        assert!(met(&ours, "modelscope:a/model"));
        assert!(!met(&ours, "huggingface:b/model"));
        let revision = |revision: &str| PullRequest {
            revision: Some(revision.to_owned()),
            ..ours.clone()
        };
        assert!(met(&revision("abc"), "huggingface:a/model"));
        assert!(met(&revision("main"), "huggingface:a/model"));
        assert!(!met(&revision("v2"), "huggingface:a/model"));
        // Without a requested source, a model of the catalog may come from any source.
        assert!(met(&request("gte-base-zh", None), "/models/gte"));
        let mirror = Some(PullSource::Mirror("http://mirror.example".to_owned()));
        assert!(!met(&request("gte-base-zh", mirror), "/models/gte"));
    }
}
