//! ModelScope: a list of files with checksums, and each file by a query.

use serde::Deserialize;

use super::checksum::Checksum;
use super::listing::Listing;
use super::remote_file::{FILES, RemoteFile, WEIGHTS};
use super::repository::Repository;
use super::url_encoding::{encoded, encoded_path};
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
        refused: Vec::new(),
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
