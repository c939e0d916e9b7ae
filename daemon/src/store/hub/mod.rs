//! The hubs: what files a repository has there, and how to check them.

mod huggingface;
mod modelscope;

use std::path::PathBuf;

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
    pub(super) name: String,
    pub(super) http: Http,
    endpoint: String,
    revision: String,
}

/// A repository's files at one revision.
#[derive(Debug)]
pub(super) struct Listing {
    /// The commit, where the hub states it, else the revision that was asked for.
    pub(super) revision: String,
    pub(super) files: Vec<Remote>,
}

impl Repository {
    /// A repository at the hub's usual address or at the mirror that its variable names.
    pub(super) fn new(hub: Hub, name: &str, revision: Option<&str>) -> Self {
        let (endpoint, usual, token, main) = match hub {
            Hub::HuggingFace => ("HF_ENDPOINT", huggingface::ENDPOINT, "HF_TOKEN", "main"),
            Hub::ModelScope => (
                "MODELSCOPE_ENDPOINT",
                modelscope::ENDPOINT,
                "MODELSCOPE_API_TOKEN",
                "master",
            ),
        };
        let endpoint = variable(endpoint).unwrap_or_else(|| usual.to_owned());
        Self {
            hub,
            name: name.to_owned(),
            http: Http::new(variable(token)),
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            revision: revision.unwrap_or(main).to_owned(),
        }
    }

    /// The same at another address.
    pub(super) fn at(mut self, endpoint: &str) -> Self {
        endpoint
            .trim_end_matches('/')
            .clone_into(&mut self.endpoint);
        self
    }

    /// The files of the model that the repository has.
    pub(super) fn list(&self) -> Result<Listing, HttpError> {
        match self.hub {
            Hub::HuggingFace => huggingface::list(self),
            Hub::ModelScope => modelscope::list(self),
        }
    }

    /// Where the hub's own client would have put the repository on this machine, if it has.
    pub(super) fn cached(&self) -> Option<PathBuf> {
        let folder = match self.hub {
            Hub::HuggingFace => huggingface::cached(self),
            Hub::ModelScope => modelscope::cached(self),
        };
        folder.filter(|folder| folder.join("config.json").is_file())
    }

    /// One more file of the repository, named by one that has been fetched.
    pub(super) fn file(&self, path: &str) -> Result<Remote, HttpError> {
        match self.hub {
            Hub::HuggingFace => huggingface::file(self, path).map(|(remote, _)| remote),
            Hub::ModelScope => Ok(modelscope::file(self, path)),
        }
    }
}

/// A variable of the environment that is set and not empty.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Checksum {
    /// Whether a file has this content.
    pub(super) fn holds(&self, path: &std::path::Path) -> std::io::Result<bool> {
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
