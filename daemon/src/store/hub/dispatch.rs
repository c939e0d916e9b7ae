//! Operations on a repository, each by the hub's own rules.

use super::listing::{Cached, Listing};
use super::remote_file::RemoteFile;
use super::repository::Repository;
use super::{huggingface, modelscope};
use crate::store::catalogue::Hub;
use crate::store::http::HttpError;

impl Repository {
    /// Lists the files of the model in the repository.
    pub(in crate::store) fn list(&self) -> Result<Listing, HttpError> {
        match self.hub {
            Hub::HuggingFace => huggingface::list(self),
            Hub::ModelScope => modelscope::list(self),
        }
    }

    /// The repository in the cache of the hub's own client on this machine, if the cache has it.
    pub(in crate::store) fn cached(&self) -> Option<Cached> {
        match self.hub {
            Hub::HuggingFace => huggingface::cached(self),
            Hub::ModelScope => modelscope::cached(self),
        }
    }

    /// One more file of the repository, named by an index of weights.
    pub(in crate::store) fn shard(
        &self,
        listing: &Listing,
        path: &str,
    ) -> Result<RemoteFile, HttpError> {
        match self.hub {
            Hub::HuggingFace => {
                huggingface::file(self, &listing.revision, path).map(|(remote, _)| remote)
            }
            Hub::ModelScope => modelscope::listed(self, listing, path),
        }
    }
}
