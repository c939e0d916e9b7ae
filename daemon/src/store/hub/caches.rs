//! The caches of the hubs' own clients on this machine, in their present and former places.
//!
//! Places and layouts are those of huggingface_hub 0.7 to 1.3, sentence-transformers 1 to 6 and
//! modelscope 1.0 to 1.39.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::listing::{CacheSearch, Cached};
use super::paths::{Variables, expanded, with_home};
use super::remote_file::WEIGHTS;

/// Least characters of an abbreviated commit, as git has it.
const SHORT_COMMIT: usize = 7;

/// Finds a repository of Hugging Face at a revision, or at the newest one.
pub(super) fn huggingface(
    repository: &str,
    revision: Option<&str>,
    variables: Variables<'_>,
) -> CacheSearch {
    let mut search = CacheSearch::default();
    let folder = format!("models--{}", repository.replace('/', "--"));
    for root in huggingface_roots(variables) {
        let of_repository = root.join(&folder);
        if let Some((commit, is_only)) = commit(&of_repository, revision) {
            let snapshot = of_repository.join("snapshots").join(&commit);
            search.look_at(snapshot, Some(commit), is_only);
        }
    }
    if revision.is_none() {
        let flat = repository.replace('/', "_");
        for root in sentence_transformers_roots(variables) {
            search.look_at(root.join(&flat), None, false);
        }
    }
    search
}

/// Folders with `models--owner--name`, in the order of the search.
fn huggingface_roots(variables: Variables<'_>) -> Vec<PathBuf> {
    let folder = |name: &str| Some(expanded(&variables(name)?, variables));
    let cache = |name: &str| Some(folder(name)?.join("huggingface/hub"));
    let roots = [
        folder("HF_HUB_CACHE"),
        folder("HUGGINGFACE_HUB_CACHE"),
        folder("HF_HOME").map(|home| home.join("hub")),
        folder("TRANSFORMERS_CACHE"),
        folder("PYTORCH_TRANSFORMERS_CACHE"),
        folder("PYTORCH_PRETRAINED_BERT_CACHE"),
        folder("SENTENCE_TRANSFORMERS_HOME"),
        cache("XDG_CACHE_HOME"),
        folder("HOME").map(|home| home.join(".cache/huggingface/hub")),
    ];
    roots.into_iter().flatten().collect()
}

/// Folders with `owner_name`, of sentence-transformers before version 2.3.
fn sentence_transformers_roots(variables: Variables<'_>) -> Vec<PathBuf> {
    const NAME: &str = "sentence_transformers";
    let folder = |name: &str| Some(expanded(&variables(name)?, variables));
    let roots = [
        folder("SENTENCE_TRANSFORMERS_HOME"),
        folder("TORCH_HOME").map(|home| home.join(NAME)),
        folder("XDG_CACHE_HOME").map(|home| home.join("torch").join(NAME)),
        folder("HOME").map(|home| home.join(".cache/torch").join(NAME)),
    ];
    roots.into_iter().flatten().collect()
}

/// Commit of a revision: that of its name, a commit itself or its beginning. Of the newest one, the
/// only snapshot (then true) where no name leads to any, as the download of a commit leaves it.
fn commit(repository: &Path, revision: Option<&str>) -> Option<(String, bool)> {
    let refs = repository.join("refs");
    if let Ok(commit) = fs::read_to_string(refs.join(revision.unwrap_or("main"))) {
        return Some((commit.trim().to_owned(), false));
    }
    let snapshots = entries(&repository.join("snapshots"));
    let is_it = |snapshot: &&String| match revision {
        Some(revision) => {
            let is_short = revision.len() >= SHORT_COMMIT;
            *snapshot == revision || is_short && snapshot.starts_with(revision)
        }
        // A name that leads to one says that it is not the newest.
        None => entries(&refs).is_empty(),
    };
    let mut found = snapshots.into_iter().filter(|snapshot| is_it(&snapshot));
    let only = found.next()?;
    found.next().is_none().then_some((only, revision.is_none()))
}

/// Finds a repository of ModelScope at a revision, or at the newest one.
pub(super) fn modelscope(
    repository: &str,
    revision: Option<&str>,
    variables: Variables<'_>,
) -> CacheSearch {
    let mut search = CacheSearch::default();
    let Some((owner, name)) = repository.split_once('/') else {
        return search;
    };
    // The client puts three underscores where a name has a dot.
    let owner_folder = PathBuf::from(owner);
    let (plain, masked) = (
        owner_folder.join(name),
        owner_folder.join(name.replace('.', "___")),
    );
    for root in modelscope_roots(variables) {
        let of_repository = root.join(format!("models/{owner}--{name}"));
        if let Some((revision, is_only)) = snapshot(&of_repository, revision) {
            let folder = of_repository.join("snapshots").join(&revision);
            search.look_at(folder, Some(revision), is_only);
        }
        // Former layouts do not state the revision.
        if revision.is_none() {
            for layout in ["models", "hub/models", "hub", ""].map(|layout| root.join(layout)) {
                search.look_at(layout.join(&plain), None, false);
                search.look_at(layout.join(&masked), None, false);
            }
        }
    }
    search
}

/// Folders of the client's versions, in the order of the search.
fn modelscope_roots(variables: Variables<'_>) -> Vec<PathBuf> {
    // This client puts the home in place of `~`, and no variables.
    let folder = |name: &str| Some(with_home(&variables(name)?, variables));
    let stated = folder("MODELSCOPE_CACHE").or_else(|| folder("MS_CACHE_HOME"));
    let of_user = folder("HOME").map(|home| home.join(".cache/modelscope"));
    let xdg = folder("XDG_CACHE_HOME").map(|cache| cache.join("modelscope"));
    [stated, of_user, xdg].into_iter().flatten().collect()
}

/// Name of the snapshot of a revision: its own. Of the newest one, `master`, else the only one
/// (then true).
fn snapshot(repository: &Path, revision: Option<&str>) -> Option<(String, bool)> {
    let snapshots = entries(&repository.join("snapshots"));
    let name = revision.unwrap_or("master");
    if snapshots.iter().any(|snapshot| snapshot == name) {
        return Some((name.to_owned(), false));
    }
    match &snapshots[..] {
        [only] if revision.is_none() => Some((only.clone(), true)),
        _ => None,
    }
}

/// Names in a folder; none if the folder does not exist.
fn entries(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| !name.starts_with('.')).collect()
}

impl CacheSearch {
    /// Takes a folder with all files of a model, if none was found before.
    fn look_at(&mut self, folder: PathBuf, revision: Option<String>, is_only: bool) {
        if self.found.is_some() || !folder.join("config.json").is_file() {
            return;
        }
        if WEIGHTS.iter().any(|file| folder.join(file).is_file()) {
            self.found = Some(Cached {
                folder,
                revision,
                is_only,
            });
        } else {
            self.incomplete.push(folder);
        }
    }
}

/// Folder of the model, and its repository as `owner/name`, of a folder in a cache: that of a
/// repository, or one of its snapshots.
pub(crate) fn of_cache(path: &Path) -> Option<(PathBuf, String)> {
    let name = |path: &Path| path.file_name().and_then(OsStr::to_str).map(str::to_owned);
    let repository = |path: &Path| {
        let name = name(path)?;
        let name = name.strip_prefix("models--").unwrap_or(&name);
        name.split_once("--")
            .map(|(owner, name)| format!("{owner}/{name}"))
    };
    let parent = path.parent()?;
    if name(parent).as_deref() == Some("snapshots") {
        return Some((path.to_owned(), repository(parent.parent()?)?));
    }
    if path.join("config.json").exists() {
        return None;
    }
    let (snapshot, _) = commit(path, None).or_else(|| snapshot(path, None))?;
    Some((path.join("snapshots").join(snapshot), repository(path)?))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    /// A home with these folders, of a whole model each.
    fn home(folders: &[&str]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for folder in folders {
            let folder = home.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            for file in ["config.json", WEIGHTS[0]] {
                fs::write(folder.join(file), "").unwrap();
            }
        }
        home
    }

    /// Found folder, relative to the home.
    fn found(
        search: impl Fn(&str, Option<&str>, Variables<'_>) -> CacheSearch,
        home: &Path,
        revision: Option<&str>,
        set: &[(&str, &str)],
    ) -> Option<String> {
        let mut variables: HashMap<&str, &str> = set.iter().copied().collect();
        variables.insert("HOME", home.to_str().unwrap());
        let variables = |name: &str| variables.get(name).map(ToString::to_string);
        let found = search("owner/ti.ny", revision, &variables).found?;
        let folder = found.folder.strip_prefix(home).unwrap();
        Some(folder.display().to_string())
    }

    #[test]
    fn places_of_hugging_faces_programs_are_searched() {
        let snapshot = format!("models--owner--ti.ny/snapshots/{COMMIT}");
        for (variable, value, place) in [
            ("HF_HUB_CACHE", "~/c", "c"),
            ("HUGGINGFACE_HUB_CACHE", "$HOME/c", "c"),
            ("HF_HOME", "${HOME}/h", "h/hub"),
            ("TRANSFORMERS_CACHE", "~/c", "c"),
            ("PYTORCH_TRANSFORMERS_CACHE", "~/c", "c"),
            ("SENTENCE_TRANSFORMERS_HOME", "~/c", "c"),
            ("XDG_CACHE_HOME", "~/x", "x/huggingface/hub"),
            ("NONE", "x", ".cache/huggingface/hub"),
            // One that has nothing does not hide the next.
            ("HF_HOME", "~/empty", ".cache/huggingface/hub"),
        ] {
            let folder = format!("{place}/{snapshot}");
            let home = home(&[&folder]);
            let set = [(variable, value)];
            assert_eq!(
                found(huggingface, home.path(), None, &set),
                Some(folder),
                "{variable}"
            );
        }
        for (variable, value, place) in [
            ("NONE", "x", ".cache/torch/sentence_transformers"),
            ("TORCH_HOME", "~/t", "t/sentence_transformers"),
            ("SENTENCE_TRANSFORMERS_HOME", "~/s", "s"),
        ] {
            let folder = format!("{place}/owner_ti.ny");
            let home = home(&[&folder]);
            let set = [(variable, value)];
            assert_eq!(found(huggingface, home.path(), None, &set), Some(folder));
            assert_eq!(found(huggingface, home.path(), Some("v1"), &set), None);
        }
    }

    #[test]
    fn revisions_are_names_commits_and_their_beginnings() {
        let other = "0123456fffffffffffffffffffffffffffffffff";
        let root = ".cache/huggingface/hub/models--owner--ti.ny";
        let [one, two] = [COMMIT, other].map(|commit| format!("{root}/snapshots/{commit}"));
        let home = home(&[&one, &two]);
        let find = |revision| found(huggingface, home.path(), revision, &[]);
        assert_eq!(find(None), None, "there are two");
        assert_eq!(find(Some(COMMIT)), Some(one.clone()));
        assert_eq!(find(Some("01234567")), Some(one.clone()));
        assert_eq!(find(Some("0123456")), None, "two begin so");
        let refs = home.path().join(root).join("refs/pr");
        fs::create_dir_all(&refs).unwrap();
        fs::write(refs.join("4"), format!("{other}\n")).unwrap();
        fs::write(refs.with_file_name("main"), COMMIT).unwrap();
        assert_eq!(find(Some("pr/4")), Some(two));
        assert_eq!(find(None), Some(one));
    }

    #[test]
    fn layouts_of_modelscopes_clients_are_searched() {
        for (variable, value, folder) in [
            (
                "NONE",
                "x",
                ".cache/modelscope/models/owner--ti.ny/snapshots/master",
            ),
            ("NONE", "x", ".cache/modelscope/models/owner/ti___ny"),
            ("NONE", "x", ".cache/modelscope/hub/owner/ti.ny"),
            ("NONE", "x", ".cache/modelscope/hub/models/owner/ti___ny"),
            (
                "MODELSCOPE_CACHE",
                "~/ms",
                "ms/models/owner--ti.ny/snapshots/master",
            ),
            (
                "MODELSCOPE_CACHE",
                "~/ms",
                "ms/models/owner--ti.ny/snapshots/v2",
            ),
            ("MODELSCOPE_CACHE", "~/ms", "ms/hub/owner/ti.ny"),
            ("MODELSCOPE_CACHE", "~/ms", "ms/owner/ti___ny"),
            ("MS_CACHE_HOME", "~/ms", "ms/models/owner/ti.ny"),
            ("XDG_CACHE_HOME", "~/x", "x/modelscope/hub/owner/ti.ny"),
            ("XDG_CACHE_HOME", "~/x", ".cache/modelscope/hub/owner/ti.ny"),
        ] {
            let home = home(&[folder]);
            let set = [(variable, value)];
            let expected = Some(folder.to_owned());
            assert_eq!(found(modelscope, home.path(), None, &set), expected);
        }
        let snapshots = ".cache/modelscope/models/owner--ti.ny/snapshots";
        let [v1, master] = ["v1", "master"].map(|revision| format!("{snapshots}/{revision}"));
        let home = home(&[&v1, &master, ".cache/modelscope/hub/owner/ti.ny"]);
        let find = |revision| found(modelscope, home.path(), revision, &[]);
        assert_eq!(find(Some("v1")), Some(v1));
        assert_eq!(find(None), Some(master));
        assert_eq!(find(Some("v2")), None);
    }

    #[test]
    fn a_folder_without_weights_is_passed_over() {
        let whole = ".cache/modelscope/hub/owner/ti.ny";
        let home = home(&[
            whole,
            "ms/owner/ti.ny",
            ".cache/modelscope/hub/._____temp/owner/x",
        ]);
        fs::remove_file(home.path().join("ms/owner/ti.ny").join(WEIGHTS[0])).unwrap();
        let set = [("MODELSCOPE_CACHE", "~/ms")];
        assert_eq!(
            found(modelscope, home.path(), None, &set).as_deref(),
            Some(whole)
        );
    }

    #[test]
    fn a_folder_of_a_cache_is_known_by_its_name() {
        let snapshot = format!("models--owner--ti--ny/snapshots/{COMMIT}");
        let home = home(&[&snapshot, "iic--x/snapshots/master", "plain"]);
        let of = |path: &str| of_cache(&home.path().join(path));
        let expected = Some((home.path().join(&snapshot), "owner/ti--ny".to_owned()));
        assert_eq!(of("models--owner--ti--ny"), expected);
        assert_eq!(of(&snapshot), expected);
        assert_eq!(of("iic--x").unwrap().1, "iic/x");
        assert_eq!(of("plain"), None);
    }
}
