//! ModelScope: a list of files with checksums, and each file by a query.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Checksum, FILES, Listing, Remote, Repository, WEIGHTS, variable};
use crate::store::http::HttpError;

pub(super) const ENDPOINT: &str = "https://www.modelscope.cn";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
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

pub(super) fn list(repository: &Repository) -> Result<Listing, HttpError> {
    let Repository {
        endpoint,
        name,
        revision,
        ..
    } = repository;
    let url =
        format!("{endpoint}/api/v1/models/{name}/repo/files?Revision={revision}&Recursive=True");
    let json = repository.http.get_whole(&url)?;
    let answer: Answer = serde_json::from_slice(&json).map_err(|error| HttpError::Form {
        host: endpoint.clone(),
        problem: error.to_string(),
    })?;
    let there = answer.data.files;
    let find = |path: &str| {
        let found = there.iter().find(|file| {
            file.path == path && file.r#type.as_deref().is_none_or(|kind| kind == "blob")
        })?;
        let stated = found.sha256.clone().filter(|sha256| !sha256.is_empty());
        Some(Remote {
            size: Some(found.size),
            checksum: stated.map(Checksum::Sha256),
            ..file(repository, path)
        })
    };
    let weights = WEIGHTS.iter().find_map(|path| find(path));
    let small = FILES.iter().filter_map(|path| find(path));
    let mut files: Vec<Remote> = small.chain(weights).collect();
    // Files that an index of weights divides them among.
    let shard = |path: &str| path.starts_with("model-") && path.ends_with(".safetensors");
    if files.iter().any(|file| file.path == WEIGHTS[1]) {
        let shards = there.iter().filter(|file| shard(&file.path));
        files.extend(shards.filter_map(|file| find(&file.path)));
    }
    Ok(Listing {
        revision: revision.clone(),
        files,
    })
}

/// A file of which only the name is known.
pub(super) fn file(repository: &Repository, path: &str) -> Remote {
    let Repository {
        endpoint,
        name,
        revision,
        ..
    } = repository;
    Remote {
        path: path.to_owned(),
        url: format!("{endpoint}/api/v1/models/{name}/repo?Revision={revision}&FilePath={path}"),
        size: None,
        checksum: None,
    }
}

/// `hub/models/owner/name` or, as older clients had it, `hub/owner/name` in the cache.
pub(super) fn cached(repository: &Repository) -> Option<PathBuf> {
    let cache = variable("MODELSCOPE_CACHE")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache/modelscope/hub")))?;
    [
        cache.join("models"),
        cache.join("hub/models"),
        cache.join("hub"),
        cache,
    ]
    .map(|folder| folder.join(&repository.name))
    .into_iter()
    .find(|folder| folder.is_dir())
}
