//! The selection of the model that the daemon uses.

use std::fs;
use std::io;

use super::error::{StoreError, at};
use super::installed::Store;
use super::locks::CHANGE_LOCK;

/// File in the data folder that contains the name of the selected model.
const SELECTED: &str = "chosen";

impl Store {
    /// Reads the name of the model selected with [`use_model`](Self::use_model).
    ///
    /// # Errors
    ///
    /// If the file that names it cannot be read.
    pub(crate) fn selected(&self) -> Result<Option<String>, StoreError> {
        let Some(root) = &self.root else {
            return Ok(None);
        };
        let path = root.join(SELECTED);
        match fs::read_to_string(&path) {
            Ok(name) => Ok(Some(name.trim().to_owned()).filter(|name| !name.is_empty())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&path)(error)),
        }
    }

    /// Selects the model that the daemon uses from its next start on.
    ///
    /// # Errors
    ///
    /// If the model is neither installed nor built in, or the selection cannot be written.
    pub(crate) fn use_model(&self, name: &str) -> Result<(), StoreError> {
        self.available(name)?;
        let root = self.root()?;
        // Held until the selection is written: the model is not removed meanwhile.
        let _lock = self.lock(name, CHANGE_LOCK)?;
        self.available(name)?;
        let _selection = self.lock_selection()?;
        let path = root.join(SELECTED);
        let new = root.join(format!("{SELECTED}.new"));
        // A reader finds the former selection or this one, never a part of one.
        fs::write(&new, format!("{name}\n")).map_err(at(&new))?;
        fs::rename(&new, &path).map_err(at(&path))
    }

    /// Removes the selection if it names this model.
    pub(super) fn clear_selection(&self, name: &str) -> Result<(), StoreError> {
        let _selection = self.lock_selection()?;
        if self.selected()?.as_deref() != Some(name) {
            return Ok(());
        }
        let path = self.root()?.join(SELECTED);
        fs::remove_file(&path).map_err(at(&path))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_selection_waits_for_the_removal_of_its_model() {
        let root = tempfile::tempdir().unwrap();
        let store = Store {
            root: Some(root.path().to_owned()),
        };
        let folder = store.folder("model").unwrap();
        fs::create_dir_all(&folder).unwrap();
        let manifest = serde_json::json!({
            "version": 1, "name": "model", "origin": { "source": "a" }, "pooling": "cls",
            "max_tokens": 512, "dimension": 512, "licence": null, "sha256": {}, "bytes": 1,
        });
        fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
        store.use_model("model").unwrap();
        assert_eq!(store.selected().unwrap().as_deref(), Some("model"));
        store.clear_selection("another").unwrap();
        assert!(store.selected().unwrap().is_some());
        store.clear_selection("model").unwrap();

        let removing = store.lock("model", CHANGE_LOCK).unwrap();
        let (done, selected) = mpsc::channel();
        let other = store.clone();
        std::thread::spawn(move || done.send(other.use_model("model")));
        let early = selected.recv_timeout(Duration::from_millis(50));
        assert!(early.is_err(), "it does not wait for the removal");
        fs::remove_dir_all(&folder).unwrap();
        drop(removing);
        assert!(selected.recv().unwrap().is_err());
        assert_eq!(store.selected().unwrap(), None);
    }
}
