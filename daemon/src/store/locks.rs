//! Locks between processes: one process at a time changes or pulls a model.

use std::fs::{self, File, TryLockError};
use std::path::PathBuf;

use super::error::{StoreError, at};
use super::installed::Store;

/// Lock of the process that changes a model.
pub(super) const CHANGE_LOCK: &str = "lock";

/// Lock of the process that pulls a model. A process that needs both locks takes this one first.
pub(super) const PULL_LOCK: &str = "pull.lock";

/// Lock of the process that changes the selection.
const SELECTION_LOCK: &str = "selection.lock";

impl Store {
    /// Waits for a lock of a model and takes it. Dropping the returned file releases the lock.
    pub(super) fn lock(&self, name: &str, lock: &str) -> Result<File, StoreError> {
        let (path, file) = self.lock_file(name, lock)?;
        file.lock().map_err(at(&path))?;
        Ok(file)
    }

    /// Takes a lock without waiting; `None` if another process has it.
    pub(super) fn try_lock(&self, name: &str, lock: &str) -> Result<Option<File>, StoreError> {
        let (path, file) = self.lock_file(name, lock)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(at(&path)(error)),
        }
    }

    /// Waits for the lock of the selection and takes it. A process that needs another lock as well
    /// takes that one first.
    pub(super) fn lock_selection(&self) -> Result<File, StoreError> {
        // No model has this name.
        self.lock("", SELECTION_LOCK)
    }

    fn lock_file(&self, name: &str, lock: &str) -> Result<(PathBuf, File), StoreError> {
        let models = self.models()?;
        fs::create_dir_all(&models).map_err(at(&models))?;
        let path = self.aside(name, lock)?;
        let file = File::create(&path).map_err(at(&path))?;
        Ok((path, file))
    }
}
