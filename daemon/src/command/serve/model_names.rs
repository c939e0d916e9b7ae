//! Names by which requests of other programs may call models.

use std::collections::HashMap;

use crate::model::BUILTIN;
use crate::store::{Store, StoreError, catalog};

/// Names besides those of the models themselves.
pub(super) struct ModelNames {
    /// Names of the selected model.
    aliases: Vec<String>,
    /// Names by their repositories.
    repositories: HashMap<String, String>,
}

impl ModelNames {
    /// Names of the catalog, and further ones of the selected model.
    ///
    /// # Errors
    ///
    /// If the program's own data is damaged.
    pub(super) fn new(aliases: Vec<String>) -> Result<Self, StoreError> {
        let mut repositories = HashMap::new();
        for entry in catalog::entries()? {
            for source in entry.sources {
                repositories.insert(source.repo, entry.name.clone());
            }
        }
        Ok(Self {
            aliases,
            repositories,
        })
    }

    /// Name of the model that is meant by `name`; `None` for the selected one.
    pub(super) fn resolve(&self, name: &str) -> Option<String> {
        let selected = name.is_empty() || self.aliases.iter().any(|alias| alias == name);
        let known = || self.repositories.get(name).cloned();
        (!selected).then(|| known().unwrap_or_else(|| name.to_owned()))
    }
}

/// Names of the models on this machine.
pub(super) fn of_store(store: &Store) -> Result<Vec<String>, StoreError> {
    let mut names: Vec<String> = store.installed()?.into_keys().collect();
    if !names.iter().any(|name| name == BUILTIN) {
        names.push(BUILTIN.to_owned());
    }
    Ok(names)
}
