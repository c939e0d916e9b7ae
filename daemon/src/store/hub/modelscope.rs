//! ModelScope: a list of files with checksums, and each file by a query.

use std::path::PathBuf;

use gte_shared::environment::variable;
use serde::Deserialize;

use super::checksum::Checksum;
use super::listing::{Cached, Listing, holds_model};
use super::remote_file::{FILES, RemoteFile, WEIGHTS};
use super::repository::Repository;
use super::url_encoding::{encoded, encoded_path};
use crate::store::environment::user_cache;
use crate::store::http::{HttpError, shown};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Response {
    data: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Data {
    files: Vec<File>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct File {
    path: String,
    size: u64,
    #[serde(default)]
    sha256: Option<String>,
    #[serde(default)]
    r#type: Option<String>,
}

/// Requests the hub's list of files.
pub(super) fn list(repository: &Repository) -> Result<Listing, HttpError> {
    let Repository { endpoint, name, .. } = repository;
    let revision = encoded(repository.revision());
    let url =
        format!("{endpoint}/api/v1/models/{name}/repo/files?Revision={revision}&Recursive=True");
    let json = repository.http.get_whole(&url)?;
    let response: Response =
        serde_json::from_slice(&json).map_err(|error| HttpError::UnexpectedResponse {
            host: shown(endpoint),
            problem: error.to_string(),
        })?;
    let is_file = |file: &File| file.r#type.as_deref().is_none_or(|kind| kind == "blob");
    let listed = response.data.files.into_iter().filter(is_file);
    let mut others: Vec<RemoteFile> = listed
        .map(|file| RemoteFile {
            url: format!(
                "{endpoint}/api/v1/models/{name}/repo?Revision={revision}&FilePath={}",
                encoded_path(&file.path)
            ),
            path: file.path,
            size: Some(file.size),
            checksum: file
                .sha256
                .filter(|sha256| !sha256.is_empty())
                .map(Checksum::Sha256),
        })
        .collect();
    let mut take = |path: &str| {
        let index = others.iter().position(|remote| remote.path == path)?;
        Some(others.swap_remove(index))
    };
    let mut files: Vec<RemoteFile> = FILES.into_iter().filter_map(&mut take).collect();
    files.extend(WEIGHTS.into_iter().find_map(&mut take));
    Ok(Listing {
        revision: repository.revision().to_owned(),
        files,
        others,
    })
}

/// Finds a file in a listing.
pub(super) fn listed(
    repository: &Repository,
    listing: &Listing,
    path: &str,
) -> Result<RemoteFile, HttpError> {
    let mut files = listing.files.iter().chain(&listing.others);
    let found = files.find(|remote| remote.path == path);
    found.cloned().ok_or_else(|| HttpError::NotFound {
        url: format!(
            "{}/{}: {path}",
            shown(&repository.endpoint),
            repository.name
        ),
    })
}

/// Finds `models/owner/name` in the cache, or `owner/name` as in older clients. The cache does not
/// state the revision, so it is not used for a requested one.
pub(super) fn cached(repository: &Repository) -> Option<Cached> {
    if repository.asked_for.is_some() {
        return None;
    }
    let cache = variable("MODELSCOPE_CACHE")
        .map(PathBuf::from)
        .or_else(|| Some(user_cache()?.join("modelscope/hub")))?;
    // The client puts three underscores where a name has a dot.
    let (owner, name) = repository.name.split_once('/')?;
    let owner = PathBuf::from(owner);
    let (plain, masked) = (owner.join(name), owner.join(name.replace('.', "___")));
    let folders = ["models", "hub/models", "hub", ""].map(|folder| cache.join(folder));
    let mut found = folders
        .iter()
        .flat_map(|folder| [folder.join(&plain), folder.join(&masked)]);
    let folder = found.find(|folder| holds_model(folder))?;
    Some(Cached {
        folder,
        revision: None,
    })
}
