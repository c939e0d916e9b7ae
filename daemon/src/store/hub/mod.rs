//! The hubs: what files a repository has there, and how to check them.

mod huggingface;
mod modelscope;

use std::path::{Path, PathBuf};

use sha1::Digest as _;

use super::catalogue::Hub;
use super::http::{Http, HttpError};

/// The files of a model that matter, in the order they are fetched: the small ones first, so that a
/// model which cannot be used is found out before its weights are fetched.
pub(super) const FILES: [&str; 7] = [
    "config.json",
    "modules.json",
    "1_Pooling/config.json",
    "sentence_bert_config.json",
    "tokenizer_config.json",
    "tokenizer.json",
    "vocab.txt",
];

/// Forms of weights, the first that a repository has being the one that is fetched.
pub(super) const WEIGHTS: [&str; 3] = [
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
];

/// One file of a repository.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    /// Its path in the repository.
    pub(super) path: String,
    pub(super) url: String,
    pub(super) size: Option<u64>,
    pub(super) checksum: Option<Checksum>,
}

impl Remote {
    /// Whether it is a file of weights; all others are small.
    pub(super) fn is_weights(&self) -> bool {
        [".safetensors", ".bin"]
            .iter()
            .any(|end| self.path.ends_with(end))
    }
}

/// What a hub states a file's content to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Checksum {
    Sha256(String),
    /// What git calls the content: the sha1 of `blob`, the length and the bytes.
    GitBlob(String),
}

/// A repository as it is at one hub.
#[derive(Debug)]
pub(super) struct Repository {
    pub(super) hub: Hub,
    pub(super) http: Http,
    name: String,
    endpoint: String,
    /// Where it is, for people and for manifests.
    source: String,
    /// The revision that was asked for.
    asked_for: Option<String>,
}

/// A repository's files at one revision.
#[derive(Debug)]
pub(super) struct Listing {
    /// The commit, where the hub states it, else the revision that was asked for.
    pub(super) revision: String,
    /// The files that matter, without those that an index of weights names.
    pub(super) files: Vec<Remote>,
    /// All others, where the hub lists them.
    others: Vec<Remote>,
}

/// A repository in the cache of its hub's own client.
#[derive(Debug)]
pub(super) struct Cached {
    pub(super) folder: PathBuf,
    /// The commit, where the cache says which.
    pub(super) revision: Option<String>,
}

impl Repository {
    /// A repository at the hub's usual address or at the mirror that its variable names.
    pub(super) fn new(hub: Hub, name: &str, revision: Option<&str>) -> Self {
        let (endpoint, usual, token) = match hub {
            Hub::HuggingFace => ("HF_ENDPOINT", huggingface::ENDPOINT, "HF_TOKEN"),
            Hub::ModelScope => (
                "MODELSCOPE_ENDPOINT",
                modelscope::ENDPOINT,
                "MODELSCOPE_API_TOKEN",
            ),
        };
        let endpoint = variable(endpoint).unwrap_or_else(|| usual.to_owned());
        Self {
            hub,
            http: Http::new(variable(token)),
            name: name.to_owned(),
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            source: format!("{}:{name}", hub.name()),
            asked_for: revision.map(str::to_owned),
        }
    }

    /// The same at an address that is not the hub's own, and that gets no token.
    pub(super) fn at(self, endpoint: &str) -> Self {
        let endpoint = endpoint.trim_end_matches('/');
        Self {
            http: Http::new(None),
            source: format!("{endpoint}/{}", self.name),
            endpoint: endpoint.to_owned(),
            ..self
        }
    }

    /// Where it is, for people and for manifests.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// The revision that was asked for, else the newest by its name at this hub.
    fn revision(&self) -> &str {
        self.asked_for.as_deref().unwrap_or(match self.hub {
            Hub::HuggingFace => "main",
            Hub::ModelScope => "master",
        })
    }

    /// The files of the model that the repository has.
    pub(super) fn list(&self) -> Result<Listing, HttpError> {
        match self.hub {
            Hub::HuggingFace => huggingface::list(self),
            Hub::ModelScope => modelscope::list(self),
        }
    }

    /// The repository as the hub's own client has put it on this machine, if it has.
    pub(super) fn cached(&self) -> Option<Cached> {
        match self.hub {
            Hub::HuggingFace => huggingface::cached(self),
            Hub::ModelScope => modelscope::cached(self),
        }
    }

    /// One more file of the repository, named by one that has been fetched.
    pub(super) fn shard(&self, listing: &Listing, path: &str) -> Result<Remote, HttpError> {
        match self.hub {
            Hub::HuggingFace => {
                huggingface::file(self, &listing.revision, path).map(|(remote, _)| remote)
            }
            Hub::ModelScope => {
                let mut listed = listing.files.iter().chain(&listing.others);
                let found = listed.find(|remote| remote.path == path);
                found.cloned().ok_or_else(|| HttpError::NotFound {
                    url: format!("{}/{}: {path}", self.endpoint, self.name),
                })
            }
        }
    }
}

/// Whether a folder of a cache holds a model.
fn holds_model(folder: &Path) -> bool {
    folder.join("config.json").is_file()
}

/// Where a hub's own client keeps its cache by custom: `$XDG_CACHE_HOME`, else `~/.cache`.
fn user_cache() -> Option<PathBuf> {
    variable("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache")))
}

/// A part of an address, with all but plain characters written as `%` and their number.
fn encoded(part: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    part.bytes().map(encode).collect()
}

/// A path of several parts, each of them encoded.
fn encoded_path(path: &str) -> String {
    let parts: Vec<String> = path.split('/').map(encoded).collect();
    parts.join("/")
}

/// A variable of the environment that is set and not empty.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Checksum {
    /// Whether a file has this content.
    pub(super) fn holds(&self, path: &Path) -> std::io::Result<bool> {
        let mut file = std::fs::File::open(path)?;
        match self {
            Self::Sha256(expected) => {
                let mut hasher = sha2::Sha256::new();
                std::io::copy(&mut file, &mut hasher)?;
                Ok(format!("{:x}", hasher.finalize()) == *expected)
            }
            Self::GitBlob(expected) => {
                let length = file.metadata()?.len();
                let mut hasher = sha1::Sha1::new();
                hasher.update(format!("blob {length}\0"));
                std::io::copy(&mut file, &mut hasher)?;
                Ok(format!("{:x}", hasher.finalize()) == *expected)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_plain_is_encoded() {
        assert_eq!(encoded("refs/pr/1"), "refs%2Fpr%2F1");
        assert_eq!(
            encoded_path("1_Pooling/config.json"),
            "1_Pooling/config.json"
        );
        assert_eq!(encoded_path("a b?&#%.bin"), "a%20b%3F%26%23%25.bin");
    }

    #[test]
    fn checksums_are_those_of_sha256sum_and_git() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "hello\n").unwrap();
        let sha256 = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        let blob = "ce013625030ba8dba906f756967f9e9ca394464a";
        assert!(Checksum::Sha256(sha256.into()).holds(file.path()).unwrap());
        assert!(Checksum::GitBlob(blob.into()).holds(file.path()).unwrap());
        assert!(!Checksum::GitBlob(sha256.into()).holds(file.path()).unwrap());
    }
}
