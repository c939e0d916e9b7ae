//! Hugging Face and its mirrors: `{endpoint}/{repo}/resolve/{revision}/{file}`.

use std::fs;
use std::path::PathBuf;

use super::{
    Cached, Checksum, FILES, Listing, Remote, Repository, WEIGHTS, encoded, encoded_path,
    holds_model, user_cache, variable,
};
use crate::store::http::{HttpError, Redirects};

pub(super) const ENDPOINT: &str = "https://huggingface.co";

/// Asks for each file that may be there, since mirrors do not all have the hub's list.
///
/// What the hub says of the first file names a commit, and all others are asked for at that one: the
/// files are then of one revision even if somebody changes the repository meanwhile.
pub(super) fn list(repository: &Repository) -> Result<Listing, HttpError> {
    // Every model has this one: without it, the repository is not there.
    let (_, commit) = file(repository, repository.revision(), FILES[0])?;
    let revision = commit.unwrap_or_else(|| repository.revision().to_owned());
    let mut files = Vec::new();
    for path in FILES {
        files.extend(there(file(repository, &revision, path))?);
    }
    for path in WEIGHTS {
        if let Some(weights) = there(file(repository, &revision, path))? {
            files.push(weights);
            break;
        }
    }
    Ok(Listing {
        revision,
        files,
        others: Vec::new(),
    })
}

/// A file that need not be there.
fn there(asked: Result<(Remote, Option<String>), HttpError>) -> Result<Option<Remote>, HttpError> {
    match asked {
        Ok((remote, _)) => Ok(Some(remote)),
        Err(HttpError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What the hub says of one file, and the commit that it is of. The headers are the hub's own: where
/// it redirects to, others stand.
pub(super) fn file(
    repository: &Repository,
    revision: &str,
    path: &str,
) -> Result<(Remote, Option<String>), HttpError> {
    let Repository { endpoint, name, .. } = repository;
    let (revision, file) = (encoded(revision), encoded_path(path));
    let url = format!("{endpoint}/{name}/resolve/{revision}/{file}");
    let answer = repository.http.head(&url, Redirects::Keep)?;
    let number = |name| answer.header(name).and_then(|size| size.parse().ok());
    let unquoted = |name| {
        let tag = answer.header(name)?;
        Some(tag.trim_start_matches("W/").trim_matches('"').to_owned())
    };
    // Large files are known by their sha256, small ones by git's sha1.
    let checksum = match (unquoted("x-linked-etag"), unquoted("etag")) {
        (Some(sha256), _) | (_, Some(sha256)) if is_hex(&sha256, 64) => {
            Some(Checksum::Sha256(sha256))
        }
        (_, Some(blob)) if is_hex(&blob, 40) => Some(Checksum::GitBlob(blob)),
        _ => None,
    };
    // A redirect's own length is not the file's.
    let length = || number("content-length").filter(|_| answer.status.is_success());
    let remote = Remote {
        path: path.to_owned(),
        size: number("x-linked-size").or_else(length),
        checksum,
        url,
    };
    Ok((remote, answer.header("x-repo-commit").map(str::to_owned)))
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `models--owner--name/snapshots/{commit}` in the cache, the commit being the revision's.
pub(super) fn cached(repository: &Repository) -> Option<Cached> {
    let cache = variable("HF_HUB_CACHE")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(variable("HF_HOME")?).join("hub")))
        .or_else(|| Some(user_cache()?.join("huggingface/hub")))?;
    let folder = cache.join(format!("models--{}", repository.name.replace('/', "--")));
    let reference = folder.join("refs").join(repository.revision());
    let commit = fs::read_to_string(reference).map_or_else(
        |_| repository.revision().to_owned(),
        |commit| commit.trim().to_owned(),
    );
    let folder = folder.join("snapshots").join(&commit);
    holds_model(&folder).then_some(Cached {
        folder,
        revision: Some(commit),
    })
}
