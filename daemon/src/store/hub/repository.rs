//! A repository at one hub.

use gte_shared::environment::variable;

use crate::store::catalog::Hub;
use crate::store::http::{Http, endpoint, shown};

/// A repository at one hub.
#[derive(Debug)]
pub(in crate::store) struct Repository {
    pub(in crate::store) hub: Hub,
    pub(in crate::store) http: Http,
    /// Name of the repository, `owner/name`.
    pub(super) name: String,
    pub(super) endpoint: String,
    /// Name of the source for users and in manifests.
    source: String,
    /// The requested revision.
    pub(super) asked_for: Option<String>,
}

impl Repository {
    /// Describes a repository at the hub's own address, or at the mirror that the hub's variable
    /// names.
    pub(in crate::store) fn new(hub: Hub, name: &str, revision: Option<&str>) -> Self {
        // Present names before former ones.
        let (endpoints, default, tokens): (&[&str], _, &[&str]) = match hub {
            Hub::HuggingFace => (
                &["HF_ENDPOINT"],
                "https://huggingface.co",
                &["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"],
            ),
            Hub::ModelScope => (
                &["MODELSCOPE_ENDPOINT", "MODELSCOPE_DOMAIN"],
                "https://www.modelscope.cn",
                &["MODELSCOPE_API_TOKEN"],
            ),
        };
        let first = |names: &[&str]| names.iter().find_map(|name| variable(name));
        let typed = first(endpoints).unwrap_or_else(|| default.to_owned());
        Self {
            hub,
            http: Http::new(first(tokens).as_deref()),
            name: name.to_owned(),
            endpoint: endpoint(&typed),
            source: format!("{}:{name}", hub.name()),
            asked_for: revision.map(str::to_owned),
        }
    }

    /// Moves the repository to the address of a mirror, which receives no token.
    pub(in crate::store) fn at(self, mirror: &str) -> Self {
        let endpoint = endpoint(mirror);
        Self {
            http: Http::new(None),
            source: format!("{}/{}", shown(&endpoint), self.name),
            endpoint,
            ..self
        }
    }

    /// Name of the source for users and in manifests.
    pub(in crate::store) fn source(&self) -> &str {
        &self.source
    }

    /// Requested revision, else the hub's name for the newest one.
    pub(super) fn revision(&self) -> &str {
        self.asked_for.as_deref().unwrap_or(match self.hub {
            Hub::HuggingFace => "main",
            Hub::ModelScope => "master",
        })
    }
}
