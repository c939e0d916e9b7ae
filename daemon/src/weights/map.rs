//! Files mapped into memory: read when they are accessed, and dropped by the system when it needs
//! the memory.

#![allow(unsafe_code, reason = "mmap(2) and madvise(2)")]

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use memmap2::Mmap;

use super::error::WeightsError;

/// Content of a file.
#[derive(Clone)]
pub(super) struct Mapped(Arc<Mmap>);

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Mapped {
    pub(super) fn new(path: &Path) -> Result<Self, WeightsError> {
        let failed = |source| WeightsError::Read {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        // SAFETY: The mapping is read-only, and this program never changes a file of weights that is in
        // its place: an installed model is replaced or removed by renaming its folder, and a mapped
        // file stays as it was. Another program that writes to the file meanwhile has no reason to; if
        // the disk fails under the mapping or the file is cut short, the system ends this process.
        let map = unsafe { Mmap::map(&file) }.map_err(failed)?;
        Ok(Self(Arc::new(map)))
    }

    pub(super) fn bytes(&self) -> Bytes {
        Bytes::from_owner(self.clone())
    }

    /// Drops the pages that have been read so far. A page that is accessed again is read again, as a rule
    /// from the system's cache.
    pub(super) fn drop_pages(&self) {
        #[cfg(unix)]
        {
            // SAFETY: The mapping is of a file and read-only, so what is dropped is in the file.
            let done = unsafe { self.0.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
            if let Err(error) = done {
                tracing::debug!(%error, "pages of the weights stay in memory");
            }
        }
    }
}
