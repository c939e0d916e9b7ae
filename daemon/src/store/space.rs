//! Room on the disk, asked for before it is needed.

use std::path::Path;

use super::StoreError;
use super::error::at;

/// Checks that the disk that `folder` is on has room for so many more bytes.
pub(super) fn check(folder: &Path, needed: u64) -> Result<(), StoreError> {
    let space = rustix::fs::statvfs(folder).map_err(|error| at(folder)(error.into()))?;
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    if free < needed {
        return Err(StoreError::NoSpace {
            path: folder.to_owned(),
            free,
            needed,
        });
    }
    Ok(())
}
