//! Folders beside the installed models, each named after a model and one of these suffixes.

use std::fs;
use std::io;
use std::path::Path;

use super::error::{StoreError, at};

/// Folder of a model that is being made.
pub(super) const STAGING: &str = "new";

/// Folder of a model that is being removed.
pub(super) const REMOVED: &str = "removed";

/// Removes a folder and its content, if the folder exists.
pub(super) fn clear(path: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}
