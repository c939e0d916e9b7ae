//! JSON data that is compiled into the program.

use serde::de::DeserializeOwned;

use super::error::StoreError;

/// Parses a built-in JSON file.
pub(super) fn parse<T: DeserializeOwned>(file: &'static str, json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|source| StoreError::BuiltinData { file, source })
}
