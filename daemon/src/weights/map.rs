//! Files mapped into memory: the system reads pages on access, and drops them when it needs memory.

#![allow(unsafe_code, reason = "mmap(2) and madvise(2)")]

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use memmap2::Mmap;

use super::error::WeightsError;

/// An installed file of weights, mapped into memory.
#[derive(Clone)]
pub(super) struct Mapped(Arc<Mmap>);

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Mapped {
    /// Maps a file of the store. A file of the user is to be read instead: truncated while it is
    /// mapped, it would end this process.
    pub(super) fn new(path: &Path) -> Result<Self, WeightsError> {
        let failed = |source| WeightsError::Read {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        // SAFETY: The mapping is read-only, and this program never writes to an installed weights
        // file: it replaces or removes an installed model by renaming its folder, which leaves a
        // mapped file unchanged. No other program has a reason to write to the file; if the disk
        // fails or the file is truncated, the system ends this process (SIGBUS).
        let map = unsafe { Mmap::map(&file) }.map_err(failed)?;
        Ok(Self(Arc::new(map)))
    }

    pub(super) fn bytes(&self) -> Bytes {
        Bytes::from_owner(self.clone())
    }

    /// Drops the pages that have been read so far. On the next access, the system reads a page
    /// again, usually from its cache.
    pub(super) fn drop_pages(&self) {
        #[cfg(unix)]
        {
            // SAFETY: The mapping is read-only and of a file, so dropped pages are read again from
            // the file.
            let done = unsafe { self.0.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
            if let Err(error) = done {
                tracing::debug!(%error, "pages of weights not dropped");
            }
        }
    }
}
