//! Pull of a model: from a cache on this machine, or from the hubs in their order.

use std::fs;
use std::path::Path;

use super::candidates::{Candidate, Candidates};
use super::download::{Progress, fetch, kept};
use super::environment::offline;
use super::error::{StoreError, at};
use super::folders::clear;
use super::http::{HttpError, certificate_notes};
use super::hub::{FILES, Listing, RemoteFile, Repository, WEIGHTS};
use super::install::{IfInstalled, Installed};
use super::installed::Store;
use super::locks::PULL_LOCK;
use super::manifest::{Manifest, Origin};
use super::pull_request::{PullRequest, PullSource};
use super::space;
use crate::model::{MODULES, Model, ModelError, Source, module_files, shard_files};

/// Outcome of a successful pull.
#[derive(Clone, Debug)]
pub(crate) enum PullOutcome {
    /// The pull has installed the model.
    Installed(Installed),
    /// The model was installed before.
    Already(Manifest),
}

impl Store {
    /// Fetches a model and installs it. Before the next source is tried, `progress` receives the
    /// error of the previous source.
    ///
    /// If two processes pull one model, the second waits for the first and does not fetch it again.
    ///
    /// # Errors
    ///
    /// The last source's error if no source has the model, or the first error whose cause is on
    /// this machine. Nothing is then installed, and the next pull resumes the interrupted one.
    pub(crate) fn pull(
        &self,
        request: &PullRequest,
        progress: &mut dyn Progress,
    ) -> Result<PullOutcome, StoreError> {
        let candidates = Candidates::of(request)?;
        let name = candidates.name.as_str();
        self.folder(name)?;
        let _lock = if let Some(lock) = self.try_lock(name, PULL_LOCK)? {
            lock
        } else {
            progress.waiting();
            self.lock(name, PULL_LOCK)?
        };
        match self.manifest(name) {
            Ok(manifest) if candidates.are_met_by(&manifest.origin, request) => {
                return Ok(PullOutcome::Already(manifest));
            }
            Ok(manifest) => return Err(manifest.taken()),
            // A model with a damaged manifest is replaced.
            Err(StoreError::NotInstalled(_) | StoreError::Manifest { .. }) => {}
            Err(error) => return Err(error),
        }
        if let Some(PullSource::Folder(folder)) = &request.from {
            let origin = Origin {
                source: folder.display().to_string(),
                revision: None,
                asked_for: None,
            };
            let installed = self.install(
                name,
                candidates.in_folder(folder),
                origin,
                None,
                IfInstalled::Refuse,
            )?;
            return Ok(PullOutcome::Installed(installed));
        }
        self.pull_from_any(&candidates, request, progress)
    }

    /// Tries the caches first, then the hubs.
    fn pull_from_any(
        &self,
        candidates: &Candidates,
        request: &PullRequest,
        progress: &mut dyn Progress,
    ) -> Result<PullOutcome, StoreError> {
        let mut attempts = Attempts {
            progress,
            failed: None,
        };
        let mut incomplete = Vec::new();
        for candidate in &candidates.repositories {
            let search = candidate.repository.cached();
            incomplete.extend(search.incomplete);
            // The cached files are read in place.
            // A revision that may be an old one is for those who cannot ask the hub.
            let is_offline = request.offline || offline();
            let found = search.found.filter(|cached| is_offline || !cached.is_only);
            let Some(cached) = found else {
                continue;
            };
            let only = cached.revision.clone().filter(|_| cached.is_only);
            let source = format!("the cache {}", cached.folder.display());
            let done = attempts.run(source, |_| {
                let origin = origin(&candidate.repository, cached.revision, request);
                let folder = candidates.in_folder(&cached.folder);
                let mut installed = self.install(
                    &candidates.name,
                    folder,
                    origin,
                    candidate.license.clone(),
                    IfInstalled::Refuse,
                )?;
                installed.notes.extend(only.map(|only| {
                    format!("the cache does not say which revision is the newest: its only one, {only}, was taken")
                }));
                Ok(installed)
            })?;
            if let Some(installed) = done {
                return Ok(PullOutcome::Installed(installed));
            }
        }
        if request.offline || offline() {
            let offline = match incomplete.into_iter().next() {
                Some(path) => StoreError::IncompleteCache(path),
                None => StoreError::Offline(candidates.name.clone()),
            };
            return Err(attempts.failed.map_or(offline, |(_, error)| error));
        }
        for candidate in &candidates.repositories {
            let source = candidate.repository.source().to_owned();
            let done = attempts.run(source, |progress| {
                self.download(candidates, candidate, request, progress)
            })?;
            if let Some(installed) = done {
                return Ok(PullOutcome::Installed(installed));
            }
        }
        let unknown = StoreError::Unknown(request.model.clone());
        Err(attempts.failed.map_or(unknown, |(_, error)| error))
    }

    /// Downloads a model from one repository and installs it.
    fn download(
        &self,
        candidates: &Candidates,
        candidate: &Candidate,
        request: &PullRequest,
        progress: &mut dyn Progress,
    ) -> Result<Installed, StoreError> {
        let repository = &candidate.repository;
        let name = candidates.name.as_str();
        let download = self.aside(name, repository.hub.download_folder())?;
        let installed = fetch_model(repository, candidates, request, &download, progress).and_then(
            |(origin, notes)| {
                let folder = candidates.in_folder(&download);
                let mut installed = self.install(
                    name,
                    folder,
                    origin,
                    candidate.license.clone(),
                    IfInstalled::Refuse,
                )?;
                installed.notes.extend(notes);
                Ok(installed)
            },
        );
        if installed.as_ref().is_err_and(StoreError::is_content) {
            // The files are unusable, and the next pull must not resume with them.
            clear(&download)?;
        }
        let installed = installed?;
        self.clear_unfinished(name)?;
        Ok(installed)
    }
}

/// Attempts to pull from one source after the other.
struct Attempts<'a> {
    progress: &'a mut dyn Progress,
    /// The last source that failed, and its error.
    failed: Option<(String, StoreError)>,
}

impl Attempts<'_> {
    /// Tries one more source; `None` if the attempt failed and the next source may be tried.
    fn run(
        &mut self,
        source: String,
        attempt: impl FnOnce(&mut dyn Progress) -> Result<Installed, StoreError>,
    ) -> Result<Option<Installed>, StoreError> {
        if let Some((source, error)) = self.failed.take() {
            self.progress.failed(&source, &error);
        }
        match attempt(self.progress) {
            Ok(installed) => Ok(Some(installed)),
            Err(error) if error.is_local() => Err(error),
            Err(error) => {
                self.failed = Some((source, error));
                Ok(None)
            }
        }
    }
}

/// Fetches a repository's files into `download`. The small files come first, so that an unusable
/// model is detected before its weights are fetched.
fn fetch_model(
    repository: &Repository,
    candidates: &Candidates,
    request: &PullRequest,
    download: &Path,
    progress: &mut dyn Progress,
) -> Result<(Origin, Vec<String>), StoreError> {
    let listing = repository.list()?;
    let origin = origin(repository, Some(listing.revision.clone()), request);
    begin_folder(download, &origin)?;
    remove_unlisted(download, &listing)?;
    let is_weights = |remote: &&RemoteFile| WEIGHTS.contains(&&*remote.path);
    let Some(weights) = listing.files.iter().find(is_weights) else {
        return Err(ModelError::NoWeights(Vec::new()).into());
    };
    let mut get = |remote: &RemoteFile| {
        let to = download.join(&remote.path);
        fetch(&repository.http, remote, &to, progress)
    };
    for remote in listing.files.iter().filter(|remote| !is_weights(remote)) {
        get(remote)?;
    }
    let further = fetch_modules(repository, &listing, download, &mut get)?;
    Model::check(&Source::Folder(candidates.in_folder(download)))?;
    let refused = listing.refused.iter().chain(&further);
    let notes =
        refused.map(|file| format!("{file} may not be read (401 or 403), and counts as not there"));
    let notes: Vec<String> = notes.chain(certificate_notes()).collect();

    let mut weights = vec![weights.clone()];
    if weights[0].path == WEIGHTS[1] {
        get(&weights[0])?;
        let index = download.join(WEIGHTS[1]);
        let json = fs::read(&index).map_err(at(&index))?;
        for shard in shard_files(&json)? {
            weights.push(repository.shard(&listing, &shard)?);
        }
    }
    let size = |remote: &RemoteFile| remote.size.unwrap_or_default();
    let still =
        |remote: &RemoteFile| size(remote).saturating_sub(kept(&download.join(&remote.path)));
    let sum = |each: &dyn Fn(&RemoteFile) -> u64| {
        let sizes = weights.iter().map(each);
        sizes.fold(0_u64, u64::saturating_add)
    };
    // The pack has the size of all weights, and needs space besides the remaining downloads.
    space::check(download, sum(&still).saturating_add(sum(&size)))?;
    weights.iter().try_for_each(get)?;
    Ok((origin, notes))
}

/// Fetches the configurations that `modules.json` names in other places than the usual; returns
/// those that the hub refuses.
fn fetch_modules(
    repository: &Repository,
    listing: &Listing,
    download: &Path,
    get: &mut dyn FnMut(&RemoteFile) -> Result<(), StoreError>,
) -> Result<Vec<String>, StoreError> {
    let modules = download.join(MODULES);
    let mut refused = Vec::new();
    if !modules.is_file() {
        return Ok(refused);
    }
    for file in module_files(&fs::read(&modules).map_err(at(&modules))?)? {
        if FILES.contains(&&*file) {
            continue;
        }
        match repository.shard(listing, &file) {
            Ok(remote) => get(&remote)?,
            // A normalization has no configuration in most models.
            Err(HttpError::NotFound { .. }) => {}
            Err(HttpError::Unauthorized {
                redirected: false, ..
            }) => refused.push(file),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(refused)
}

/// Removes files of an earlier attempt that the repository does not list now. Otherwise the model
/// could be loaded from outdated weights of another format.
fn remove_unlisted(download: &Path, listing: &Listing) -> Result<(), StoreError> {
    for file in FILES.into_iter().chain(WEIGHTS) {
        let path = download.join(file);
        let listed = listing.files.iter().any(|remote| remote.path == file);
        if !listed && path.is_file() {
            fs::remove_file(&path).map_err(at(&path))?;
        }
    }
    Ok(())
}

/// Origin of a model from a repository.
fn origin(repository: &Repository, revision: Option<String>, request: &PullRequest) -> Origin {
    Origin {
        source: repository.source().to_owned(),
        revision,
        asked_for: request.revision.clone(),
    }
}

/// Creates the folder for downloads. Keeps the files of an earlier attempt if they are of the same
/// source and revision.
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
