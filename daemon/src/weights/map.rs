//! Files mapped into memory: read when they are looked at, and dropped by the system when it needs
//! the room.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use memmap2::Mmap;

use super::WeightsError;

/// A file's content.
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
        // SAFETY: The mapping is read-only, and nothing of this program changes a file of weights that
        // is in its place: an installed model is replaced or removed by renaming its folder, and what
        // has been mapped stays as it was. What remains is another program that writes into the file
        // while it is used, which nobody has reason to do; and a disk that fails under the mapping or a
        // file that is cut short, upon which the system ends this process.
        let map = unsafe { Mmap::map(&file) }.map_err(failed)?;
        Ok(Self(Arc::new(map)))
    }

    pub(super) fn bytes(&self) -> Bytes {
        Bytes::from_owner(self.clone())
    }

    /// Lets go of the memory that holds what has been read so far. What is looked at again is read again,
    /// as a rule from what the system remembers of the file.
    pub(super) fn let_go(&self) {
        #[cfg(unix)]
        {
            // SAFETY: The mapping is of a file and read-only, so what is dropped is in the file.
            let done = unsafe { self.0.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
            if let Err(error) = done {
                tracing::debug!(%error, "the weights' file stays in memory");
            }
        }
    }
}
