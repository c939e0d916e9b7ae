//! Files mapped into memory: read when they are looked at, and dropped by the system when it needs
//! the room.

use std::fs::File;
use std::path::Path;

use bytes::Bytes;
use memmap2::Mmap;

use super::WeightsError;

/// A file's content.
pub(super) fn map(path: &Path) -> Result<Bytes, WeightsError> {
    let failed = |source| WeightsError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    // SAFETY: The mapping is read-only, and nothing of this program changes a file of weights that
    // is in its place: an installed model is replaced or removed by renaming its folder, and what
    // has been mapped stays as it was. What remains is another program that writes into the file
    // within the fraction of a second in which it is read, which nobody has reason to do; and a disk
    // that fails under the mapping or a file that is cut short, upon which the system ends this
    // process.
    let map = unsafe { Mmap::map(&file) }.map_err(failed)?;
    Ok(Bytes::from_owner(map))
}
