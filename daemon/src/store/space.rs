//! Free space on the disk, checked before a large file is written.

use std::path::Path;

use super::error::{StoreError, at};

/// Checks that the disk of `folder` has `needed` free bytes.
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
