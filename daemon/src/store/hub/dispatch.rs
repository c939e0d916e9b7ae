//! Operations on a repository, in the form of each hub.

use gte_shared::environment::variable;

use super::listing::{CacheSearch, Listing};
use super::remote_file::RemoteFile;
use super::repository::Repository;
use super::{caches, huggingface, modelscope};
use crate::store::catalog::Hub;
use crate::store::http::HttpError;

impl Repository {
    /// Lists the files of the model in the repository.
    pub(in crate::store) fn list(&self) -> Result<Listing, HttpError> {
        match self.hub {
            Hub::HuggingFace => huggingface::list(self),
            Hub::ModelScope => modelscope::list(self),
        }
    }

    /// Finds the repository in the caches of the hub's own clients on this machine.
    pub(in crate::store) fn cached(&self) -> CacheSearch {
        let search = match self.hub {
            Hub::HuggingFace => caches::huggingface,
            Hub::ModelScope => caches::modelscope,
        };
        search(&self.name, self.asked_for.as_deref(), &variable)
    }

    /// Describes one more file of the repository, which an index of weights names.
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
