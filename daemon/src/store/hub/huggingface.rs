//! Hugging Face and its mirrors: `{endpoint}/{repo}/resolve/{revision}/{file}`.

use std::fs;
use std::path::PathBuf;

use super::{Checksum, FILES, Listing, Remote, Repository, WEIGHTS, variable};
use crate::store::http::{HttpError, Redirects};

pub(super) const ENDPOINT: &str = "https://huggingface.co";

/// Asks for each file that may be there, since mirrors do not all have the hub's list.
pub(super) fn list(repository: &Repository) -> Result<Listing, HttpError> {
    let mut listing = Listing {
        revision: repository.revision.clone(),
        files: Vec::new(),
    };
    for path in FILES {
        match file(repository, path) {
            Ok((remote, commit)) => {
                listing.revision = commit.unwrap_or(listing.revision);
                listing.files.push(remote);
            }
            // Every model has this one: without it, the repository is not there.
            Err(error) if path == FILES[0] => return Err(error),
            Err(HttpError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    for path in WEIGHTS {
        match file(repository, path) {
            Ok((remote, _)) => {
                listing.files.push(remote);
                break;
            }
            Err(HttpError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(listing)
}

/// What the hub says of one file, and the commit that it is of. The headers are the hub's own: where
/// it redirects to, others stand.
pub(super) fn file(
    repository: &Repository,
    path: &str,
) -> Result<(Remote, Option<String>), HttpError> {
    let Repository {
        endpoint,
        name,
        revision,
        ..
    } = repository;
    let url = format!("{endpoint}/{name}/resolve/{revision}/{path}");
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
pub(super) fn cached(repository: &Repository) -> Option<PathBuf> {
    let cache = variable("HF_HUB_CACHE")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(variable("HF_HOME")?).join("hub")))
        .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache/huggingface/hub")))?;
    let folder = cache.join(format!("models--{}", repository.name.replace('/', "--")));
    let reference = folder.join("refs").join(&repository.revision);
    let commit = fs::read_to_string(reference).map_or_else(
        |_| repository.revision.clone(),
        |commit| commit.trim().to_owned(),
    );
    Some(folder.join("snapshots").join(commit))
}
