//! A repository at one hub.

use gte_shared::environment::variable;

use crate::store::catalog::Hub;
use crate::store::http::{Http, shown};

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
        let (endpoint, default, token) = match hub {
            Hub::HuggingFace => ("HF_ENDPOINT", "https://huggingface.co", "HF_TOKEN"),
            Hub::ModelScope => (
                "MODELSCOPE_ENDPOINT",
                "https://www.modelscope.cn",
                "MODELSCOPE_API_TOKEN",
            ),
        };
        let endpoint = variable(endpoint).unwrap_or_else(|| default.to_owned());
        Self {
            hub,
            http: Http::new(variable(token)),
            name: name.to_owned(),
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            source: format!("{}:{name}", hub.name()),
            asked_for: revision.map(str::to_owned),
        }
    }

    /// Moves the repository to the address of a mirror, which receives no token.
    pub(in crate::store) fn at(self, endpoint: &str) -> Self {
        let endpoint = endpoint.trim_end_matches('/');
        Self {
            http: Http::new(None),
            source: format!("{}/{}", shown(endpoint), self.name),
            endpoint: endpoint.to_owned(),
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
