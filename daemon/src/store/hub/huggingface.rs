//! Hugging Face and its mirrors: `{endpoint}/{repo}/resolve/{revision}/{file}`.

use super::checksum::Checksum;
use super::listing::Listing;
use super::remote_file::{FILES, RemoteFile, WEIGHTS};
use super::repository::Repository;
use super::url_encoding::{encoded, encoded_path};
use crate::store::http::{HttpError, Redirects};

/// Lists the model's files by a request for each, since some mirrors lack the hub's list of files.
///
/// The response for the first file names a commit, and all other files are requested at that
/// commit, so that all files are of one revision even if the repository changes meanwhile.
pub(super) fn list(repository: &Repository) -> Result<Listing, HttpError> {
    // Every model has this file; if it is missing, the repository does not exist.
    let (_, commit) = file(repository, repository.revision(), FILES[0])?;
    let revision = commit.unwrap_or_else(|| repository.revision().to_owned());
    let mut files = Vec::new();
    for path in FILES {
        files.extend(optional(file(repository, &revision, path))?);
    }
    for path in WEIGHTS {
        if let Some(weights) = optional(file(repository, &revision, path))? {
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

/// Turns the error for a missing file into `None`.
fn optional(
    response: Result<(RemoteFile, Option<String>), HttpError>,
) -> Result<Option<RemoteFile>, HttpError> {
    match response {
        Ok((remote, _)) => Ok(Some(remote)),
        // Some stores answer so for a file that they do not have; the first file was there.
        Err(HttpError::NotFound { .. } | HttpError::Unauthorized { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Requests the hub's description of one file, and the commit of the file. Reads the headers of the
/// hub's own response, since servers that the hub redirects to send other headers.
pub(super) fn file(
    repository: &Repository,
    revision: &str,
    path: &str,
) -> Result<(RemoteFile, Option<String>), HttpError> {
    let Repository { endpoint, name, .. } = repository;
    let (revision, file) = (encoded(revision), encoded_path(path));
    let url = format!("{endpoint}/{name}/resolve/{revision}/{file}");
    let response = repository.http.head(&url, Redirects::Keep)?;
    let number = |name| response.header(name).and_then(|size| size.parse().ok());
    let unquoted = |name| {
        let tag = response.header(name)?;
        Some(tag.trim_start_matches("W/").trim_matches('"').to_owned())
    };
    // The hub states the sha256 of large files, and git's sha1 of small ones. A tag without the
    // hub's own headers is one of a storage, which may be anything.
    let commit = response.header("x-repo-commit").map(str::to_owned);
    let checksum = match (unquoted("x-linked-etag"), unquoted("etag")) {
        (Some(sha256), _) if is_hex(&sha256, 64) => Some(Checksum::Sha256(sha256)),
        (_, Some(blob)) if is_hex(&blob, 40) && commit.is_some() => Some(Checksum::GitBlob(blob)),
        _ => None,
    };
    // The length of a redirect is not that of the file, and that of a range stands behind it.
    let length = || match response.header("content-range") {
        Some(range) => range.rsplit('/').next()?.parse().ok(),
        None => number("content-length").filter(|_| response.status.is_success()),
    };
    let remote = RemoteFile {
        path: path.to_owned(),
        size: number("x-linked-size").or_else(length),
        checksum,
        url,
    };
    Ok((remote, commit))
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
