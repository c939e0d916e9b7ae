//! Removal of a model, or of the files of an unfinished pull.

use std::fs;

use super::catalog::Hub;
use super::error::{StoreError, at};
use super::folders::{REMOVED, STAGING, clear};
use super::installed::Store;
use super::locks::{CHANGE_LOCK, PULL_LOCK};
use crate::model::BUILTIN;

impl Store {
    /// Removes an installed model and the files of an unfinished pull of it. If the model was
    /// selected, no model is selected any more.
    ///
    /// # Errors
    ///
    /// If the model has no files, if it is the built-in one, or if it cannot be removed.
    pub(crate) fn remove(&self, name: &str) -> Result<(), StoreError> {
        let folder = self.folder(name)?;
        let Some(_pulling) = self.try_lock(name, PULL_LOCK)? else {
            return Err(StoreError::Busy(name.to_owned()));
        };
        let _lock = self.lock(name, CHANGE_LOCK)?;
        let unfinished = self.clear_unfinished(name)?;
        if !folder.exists() {
            return match name {
                _ if unfinished => Ok(()),
                BUILTIN => Err(StoreError::Builtin),
                _ => Err(StoreError::NotInstalled(name.to_owned())),
            };
        }
        // The selection is cleared first: the daemon does not start while the selected model is
        // missing.
        if name != BUILTIN {
            self.clear_selection(name)?;
        }
        // The folder is renamed first, so that a half-removed one is never taken for a model.
        let aside = self.aside(name, REMOVED)?;
        fs::rename(&folder, &aside).map_err(at(&folder))?;
        clear(&aside)
    }

    /// Removes the files that interrupted pulls, installations and removals of a model have left.
    /// Returns true if any were left.
    pub(super) fn clear_unfinished(&self, name: &str) -> Result<bool, StoreError> {
        let mut any = false;
        let downloads = Hub::ALL.map(Hub::download_folder);
        for suffix in downloads.into_iter().chain([STAGING, REMOVED]) {
            let folder = self.aside(name, suffix)?;
            any |= folder.exists();
            clear(&folder)?;
        }
        Ok(any)
    }
}
