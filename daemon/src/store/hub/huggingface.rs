//! Hugging Face and its mirrors: `{endpoint}/{repo}/resolve/{revision}/{file}`.

use super::checksum::Checksum;
use super::listing::Listing;
use super::remote_file::{FILES, RemoteFile, WEIGHTS};
use super::repository::Repository;
use super::url_encoding::{encoded, encoded_path};
use crate::model::{MODULES, SENTENCE_CONFIGS};
use crate::store::http::{HttpError, Redirects};

/// Lists the model's files by a request for each, since some mirrors lack the hub's list of files.
///
/// The response for the first file names a commit, and all other files are requested at that
/// commit, so that all files are of one revision even if the repository changes meanwhile.
pub(super) fn list(repository: &Repository) -> Result<Listing, HttpError> {
    // Every model has this file; if it is missing, the repository does not exist.
    let (_, commit) = file(repository, repository.revision(), FILES[0])?;
    let revision = commit.unwrap_or_else(|| repository.revision().to_owned());
    let mut listing = Listing {
        revision,
        files: Vec::new(),
        refused: Vec::new(),
        others: Vec::new(),
    };
    for path in FILES {
        add(repository, path, &mut listing)?;
    }
    let has = |listing: &Listing, path: &str| listing.files.iter().any(|file| file.path == path);
    // The other names of the first of these, of models that have modules at all.
    if has(&listing, MODULES) && !has(&listing, SENTENCE_CONFIGS[0]) {
        for path in &SENTENCE_CONFIGS[1..] {
            if let Added::Yes = add(repository, path, &mut listing)? {
                break;
            }
        }
    }
    let mut refused = None;
    for path in WEIGHTS {
        match add(repository, path, &mut listing)? {
            Added::Yes => return Ok(listing),
            Added::No => {}
            Added::Refused(error) => refused = Some(error),
        }
    }
    // Without any weights, the refusal is what the user can mend.
    refused.map_or(Ok(listing), Err)
}

/// Result of a request for a file that not every model has.
#[derive(Debug)]
enum Added {
    Yes,
    No,
    Refused(HttpError),
}

/// Adds a file to the listing, if the repository has it.
fn add(repository: &Repository, path: &str, listing: &mut Listing) -> Result<Added, HttpError> {
    match file(repository, &listing.revision, path) {
        Ok((remote, _)) => {
            listing.files.push(remote);
            Ok(Added::Yes)
        }
        Err(HttpError::NotFound { .. }) => Ok(Added::No),
        // Some stores answer so for a file that they do not have; the first file was there. A hub
        // that redirects says that it has the file.
        Err(
            error @ HttpError::Unauthorized {
                redirected: false, ..
            },
        ) => {
            listing.refused.push(path.to_owned());
            Ok(Added::Refused(error))
        }
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
