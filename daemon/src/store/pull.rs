//! Getting a model: from a cache on this machine, or from the hubs in their order.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::catalogue::{self, Hub, Publication};
use super::download::{Progress, fetch};
use super::hub::{Repository, WEIGHTS, variable};
use super::manifest::{Manifest, Origin};
use super::{Store, StoreError, at, clear};
use crate::model::{BertConfig, Folder, ModelError, shard_files};

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
    /// Whether the network must not be used.
    pub offline: bool,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Pulled {
    /// It is installed now.
    Installed(Manifest),
    /// It was installed before.
    Already(Manifest),
}

impl Store {
    /// Gets a model and installs it. `failed` is told of each source that did not have it.
    ///
    /// Two pulls of one model at once do the work once: the second waits for the first.
    ///
    /// # Errors
    ///
    /// With the last source's error when none has it. Nothing is then installed, and a later pull goes
    /// on with what has been fetched.
    pub fn pull(
        &self,
        wanted: &Wanted,
        progress: &mut dyn Progress,
        failed: &mut dyn FnMut(&str, &StoreError),
    ) -> Result<Pulled, StoreError> {
        let (name, sources) = sources(wanted)?;
        let name = name.as_str();
        self.folder(name)?;
        let models = self.models()?;
        fs::create_dir_all(&models).map_err(at(&models))?;
        let path = self.aside(name, "pull.lock")?;
        let lock = File::create(&path).map_err(at(&path))?;
        lock.lock().map_err(at(&path))?;
        match self.manifest(name) {
            Ok(manifest) => return Ok(Pulled::Already(manifest)),
            Err(StoreError::NotInstalled(_)) => {}
            Err(error) => return Err(error),
        }
        if let Some(From::Folder(folder)) = &wanted.from {
            let origin = Origin {
                source: folder.display().to_string(),
                revision: None,
            };
            let manifest = self.install(name, Folder::new(folder), origin, None)?;
            return Ok(Pulled::Installed(manifest));
        }

        let mut last = None;
        for (repository, licence) in &sources {
            // Used where it is: nothing is downloaded.
            let Some(folder) = repository.cached() else {
                continue;
            };
            let origin = origin(repository, wanted.revision.clone());
            match self.install(name, Folder::new(&folder), origin, licence.clone()) {
                Ok(manifest) => return Ok(Pulled::Installed(manifest)),
                Err(error) => {
                    failed(&format!("the cache {}", folder.display()), &error);
                    last = Some(error);
                }
            }
        }
        if wanted.offline || offline() {
            return Err(last.unwrap_or_else(|| StoreError::Offline(name.to_owned())));
        }
        for (repository, licence) in sources {
            match self.download(name, &repository, licence, progress) {
                Ok(manifest) => return Ok(Pulled::Installed(manifest)),
                Err(error) => {
                    failed(&origin(&repository, None).source, &error);
                    last = Some(error);
                }
            }
        }
        Err(last.unwrap_or_else(|| StoreError::Unknown(wanted.model.clone())))
    }

    fn download(
        &self,
        name: &str,
        repository: &Repository,
        licence: Option<String>,
        progress: &mut dyn Progress,
    ) -> Result<Manifest, StoreError> {
        let listing = repository.list()?;
        let weights = listing
            .files
            .iter()
            .any(|file| WEIGHTS.contains(&&*file.path));
        if !weights {
            return Err(ModelError::NoWeights.into());
        }
        let folder = self.aside(name, "download")?;
        let origin = origin(repository, Some(listing.revision.clone()));
        begin_folder(&folder, &origin)?;
        let bytes = listing.files.iter().filter_map(|file| file.size).sum();
        check_space(&folder, bytes)?;
        for remote in &listing.files {
            let path = folder.join(&remote.path);
            fetch(&repository.http, remote, &path, progress)?;
            if remote.path == "config.json" {
                // Another architecture is found out before its weights are fetched.
                BertConfig::parse(&fs::read(&path).map_err(at(&path))?)?;
            }
        }
        let index = folder.join(WEIGHTS[1]);
        if index.is_file() {
            let json = fs::read(&index).map_err(at(&index))?;
            for shard in shard_files(&json)? {
                let remote = repository.file(&shard)?;
                fetch(&repository.http, &remote, &folder.join(&shard), progress)?;
            }
        }
        let manifest = self.install(name, Folder::new(&folder), origin, licence)?;
        clear(&folder)?;
        Ok(manifest)
    }
}

/// What the model is called here, and the repositories that may have it, the first to be tried first,
/// each with its licence.
fn sources(wanted: &Wanted) -> Result<(String, Vec<Candidate>), StoreError> {
    let model = wanted.model.as_str();
    let known = match catalogue::entry(model)? {
        None => catalogue::entry_of_repo(model)?,
        known => known,
    };
    let last_part = model.rsplit('/').next().unwrap_or_default();
    let (name, published) = match known {
        Some(entry) => (entry.name, entry.sources),
        None if model.contains('/') || matches!(wanted.from, Some(From::Folder(_))) => {
            let published = [Hub::ModelScope, Hub::HuggingFace].map(|hub| Publication {
                hub,
                repo: model.to_owned(),
                licence: String::new(),
            });
            (last_part.to_owned(), published.into())
        }
        None => return Err(StoreError::Unknown(model.to_owned())),
    };
    let from = |hub: Hub| match &wanted.from {
        None | Some(From::Folder(_)) => true,
        Some(From::Hub(wanted)) => *wanted == hub,
        Some(From::Mirror(_)) => hub == Hub::HuggingFace,
    };
    let candidates = published
        .into_iter()
        .filter(|source| from(source.hub))
        .map(|source| {
            let revision = wanted.revision.as_deref();
            let repository = Repository::new(source.hub, &source.repo, revision);
            let repository = match &wanted.from {
                Some(From::Mirror(endpoint)) => repository.at(endpoint),
                _ => repository,
            };
            let licence = Some(source.licence).filter(|licence| !licence.is_empty());
            (repository, licence)
        });
    Ok((name, candidates.collect()))
}

/// A repository that may have the model, and the licence that its hub states.
type Candidate = (Repository, Option<String>);

fn origin(repository: &Repository, revision: Option<String>) -> Origin {
    let hub = match repository.hub {
        Hub::ModelScope => "modelscope",
        Hub::HuggingFace => "huggingface",
    };
    Origin {
        source: format!("{hub}:{}", repository.name),
        revision,
    }
}

/// Whether the environment forbids the network.
fn offline() -> bool {
    let value = variable("HF_HUB_OFFLINE").unwrap_or_default();
    matches!(
        value.to_ascii_uppercase().as_str(),
        "1" | "ON" | "YES" | "TRUE"
    )
}

/// Makes the folder that files are fetched into. What an earlier attempt left there is kept if it was
/// of the same origin and revision.
fn begin_folder(folder: &Path, origin: &Origin) -> Result<(), StoreError> {
    let note = folder.join("origin");
    let revision = origin.revision.as_deref().unwrap_or_default();
    let line = format!("{} {revision}\n", origin.source);
    if fs::read_to_string(&note).is_ok_and(|kept| kept == line) {
        return Ok(());
    }
    clear(folder)?;
    fs::create_dir_all(folder).map_err(at(folder))?;
    fs::write(&note, line).map_err(at(&note))
}

/// Checks that there is room for what is fetched and for the pack that is made of it.
fn check_space(folder: &Path, bytes: u64) -> Result<(), StoreError> {
    let space = rustix::fs::statvfs(folder).map_err(|error| at(folder)(error.into()))?;
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let needed = bytes.saturating_mul(2);
    if free < needed {
        return Err(StoreError::NoSpace {
            path: folder.to_owned(),
            free,
            needed,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_without_a_name_in_the_catalogue_is_asked_for_at_both_hubs() {
        let wanted = |model: &str, from| Wanted {
            model: model.to_owned(),
            from,
            revision: None,
            offline: false,
        };
        let hubs = |wanted: &Wanted| -> Vec<Hub> {
            let (_, sources) = sources(wanted).unwrap();
            sources
                .into_iter()
                .map(|(repository, _)| repository.hub)
                .collect()
        };
        let both = [Hub::ModelScope, Hub::HuggingFace];
        assert_eq!(hubs(&wanted("owner/name", None)), both);
        assert_eq!(hubs(&wanted("gte-base-zh", None)), both);
        let hub = Some(From::Hub(Hub::HuggingFace));
        assert_eq!(hubs(&wanted("gte-base-zh", hub)), [Hub::HuggingFace]);
        assert!(sources(&wanted("nonsense", None)).is_err());
        let name = |model| sources(&wanted(model, None)).unwrap().0;
        let scope = "iic/nlp_gte_sentence-embedding_chinese-base";
        assert_eq!(name(scope), "gte-base-zh", "a known model keeps its name");
        assert_eq!(name("owner/name"), "name");
    }
}
