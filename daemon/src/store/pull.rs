//! Getting a model: from a cache on this machine, or from the hubs in their order.

use std::fs;
use std::path::Path;

use super::candidates::{Candidate, Candidates, From, Wanted};
use super::download::{Progress, fetch, kept};
use super::error::at;
use super::hub::{FILES, Listing, Remote, Repository, WEIGHTS, variable};
use super::manifest::{Manifest, Origin};
use super::{Occupied, PULL_LOCK, Store, StoreError, clear, space};
use crate::model::{Model, ModelError, Source, shard_files};

/// What came of it.
#[derive(Clone, Debug)]
pub enum Pulled {
    /// It is installed now.
    Installed(Manifest),
    /// It was installed before.
    Already(Manifest),
}

impl Store {
    /// Gets a model and installs it. `progress` is told of each source that did not have it before
    /// the next is tried.
    ///
    /// Two pulls of one model at once do the work once: the second waits for the first.
    ///
    /// # Errors
    ///
    /// With the last source's error when none has it, or the first that is this machine's own fault.
    /// Nothing is then installed, and a later pull goes on with what has been fetched.
    pub fn pull(&self, wanted: &Wanted, progress: &mut dyn Progress) -> Result<Pulled, StoreError> {
        let candidates = Candidates::of(wanted)?;
        let name = candidates.name.as_str();
        self.folder(name)?;
        let _lock = if let Some(lock) = self.try_lock(name, PULL_LOCK)? {
            lock
        } else {
            progress.waiting();
            self.lock(name, PULL_LOCK)?
        };
        match self.manifest(name) {
            Ok(manifest) if candidates.are_met_by(&manifest.origin, wanted) => {
                return Ok(Pulled::Already(manifest));
            }
            Ok(manifest) => return Err(StoreError::taken(manifest)),
            // A damaged one is replaced.
            Err(StoreError::NotInstalled(_) | StoreError::Manifest { .. }) => {}
            Err(error) => return Err(error),
        }
        if let Some(From::Folder(folder)) = &wanted.from {
            let origin = Origin {
                source: folder.display().to_string(),
                revision: None,
                asked_for: None,
            };
            let manifest = self.install(
                name,
                candidates.in_folder(folder),
                origin,
                None,
                Occupied::Stays,
            )?;
            return Ok(Pulled::Installed(manifest));
        }
        self.pull_from_any(&candidates, wanted, progress)
    }

    /// The caches first, then the hubs.
    fn pull_from_any(
        &self,
        candidates: &Candidates,
        wanted: &Wanted,
        progress: &mut dyn Progress,
    ) -> Result<Pulled, StoreError> {
        let mut attempts = Attempts {
            progress,
            failed: None,
        };
        for candidate in &candidates.repositories {
            // Used where it is: nothing is downloaded.
            let Some(cached) = candidate.repository.cached() else {
                continue;
            };
            let source = format!("the cache {}", cached.folder.display());
            let done = attempts.run(source, |_| {
                let origin = origin(&candidate.repository, cached.revision, wanted);
                let folder = candidates.in_folder(&cached.folder);
                self.install(
                    &candidates.name,
                    folder,
                    origin,
                    candidate.licence.clone(),
                    Occupied::Stays,
                )
            })?;
            if let Some(manifest) = done {
                return Ok(Pulled::Installed(manifest));
            }
        }
        if wanted.offline || offline() {
            let offline = StoreError::Offline(candidates.name.clone());
            return Err(attempts.failed.map_or(offline, |(_, error)| error));
        }
        for candidate in &candidates.repositories {
            let source = candidate.repository.source().to_owned();
            let done = attempts.run(source, |progress| {
                self.download(candidates, candidate, wanted, progress)
            })?;
            if let Some(manifest) = done {
                return Ok(Pulled::Installed(manifest));
            }
        }
        let unknown = StoreError::Unknown(wanted.model.clone());
        Err(attempts.failed.map_or(unknown, |(_, error)| error))
    }

    fn download(
        &self,
        candidates: &Candidates,
        candidate: &Candidate,
        wanted: &Wanted,
        progress: &mut dyn Progress,
    ) -> Result<Manifest, StoreError> {
        let repository = &candidate.repository;
        let name = candidates.name.as_str();
        let download = self.aside(name, repository.hub.download_folder())?;
        let installed =
            fetch_model(repository, candidates, wanted, &download, progress).and_then(|origin| {
                let folder = candidates.in_folder(&download);
                self.install(
                    name,
                    folder,
                    origin,
                    candidate.licence.clone(),
                    Occupied::Stays,
                )
            });
        if installed.as_ref().is_err_and(StoreError::is_content) {
            // What came is no good: the next pull must not go on with it.
            clear(&download)?;
        }
        let manifest = installed?;
        self.clear_unfinished(name)?;
        Ok(manifest)
    }
}

/// Sources tried one after the other.
struct Attempts<'a> {
    progress: &'a mut dyn Progress,
    /// The last one that failed, and why.
    failed: Option<(String, StoreError)>,
}

impl Attempts<'_> {
    /// Tries one more source: `None` when another may be tried after it.
    fn run(
        &mut self,
        source: String,
        attempt: impl FnOnce(&mut dyn Progress) -> Result<Manifest, StoreError>,
    ) -> Result<Option<Manifest>, StoreError> {
        if let Some((source, error)) = self.failed.take() {
            self.progress.failed(&source, &error);
        }
        match attempt(self.progress) {
            Ok(manifest) => Ok(Some(manifest)),
            Err(error) if error.is_local() => Err(error),
            Err(error) => {
                self.failed = Some((source, error));
                Ok(None)
            }
        }
    }
}

/// Fetches a repository's files into `download`, the small ones first: what makes the model one that
/// cannot be used is found out before its weights are fetched.
fn fetch_model(
    repository: &Repository,
    candidates: &Candidates,
    wanted: &Wanted,
    download: &Path,
    progress: &mut dyn Progress,
) -> Result<Origin, StoreError> {
    let listing = repository.list()?;
    let origin = origin(repository, Some(listing.revision.clone()), wanted);
    begin_folder(download, &origin)?;
    forget_others(download, &listing)?;
    let is_weights = |remote: &&Remote| WEIGHTS.contains(&&*remote.path);
    let Some(weights) = listing.files.iter().find(is_weights) else {
        return Err(ModelError::NoWeights.into());
    };
    let mut get = |remote: &Remote| {
        let to = download.join(&remote.path);
        fetch(&repository.http, remote, &to, progress)
    };
    for remote in listing.files.iter().filter(|remote| !is_weights(remote)) {
        get(remote)?;
    }
    Model::check(&Source::Folder(candidates.in_folder(download)))?;

    let mut weights = vec![weights.clone()];
    if weights[0].path == WEIGHTS[1] {
        get(&weights[0])?;
        let index = download.join(WEIGHTS[1]);
        let json = fs::read(&index).map_err(at(&index))?;
        for shard in shard_files(&json)? {
            weights.push(repository.shard(&listing, &shard)?);
        }
    }
    let size = |remote: &Remote| remote.size.unwrap_or_default();
    let still = |remote: &Remote| size(remote).saturating_sub(kept(&download.join(&remote.path)));
    let sum = |each: &dyn Fn(&Remote) -> u64| {
        let sizes = weights.iter().map(each);
        sizes.fold(0_u64, u64::saturating_add)
    };
    // Besides what is still to come, the pack that is made of all of it.
    space::check(download, sum(&still).saturating_add(sum(&size)))?;
    weights.iter().try_for_each(get)?;
    Ok(origin)
}

/// Removes the files of an earlier attempt that the repository does not have now: a model is read in the
/// first form that its folder has.
fn forget_others(download: &Path, listing: &Listing) -> Result<(), StoreError> {
    for file in FILES.into_iter().chain(WEIGHTS) {
        let path = download.join(file);
        let listed = listing.files.iter().any(|remote| remote.path == file);
        if !listed && path.is_file() {
            fs::remove_file(&path).map_err(at(&path))?;
        }
    }
    Ok(())
}

fn origin(repository: &Repository, revision: Option<String>, wanted: &Wanted) -> Origin {
    Origin {
        source: repository.source().to_owned(),
        revision,
        asked_for: wanted.revision.clone(),
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
