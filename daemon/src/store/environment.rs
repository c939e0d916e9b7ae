//! Environment variables that the store reads.

use std::path::PathBuf;

use gte_shared::environment::{variable, variable_os, xdg_folder};

/// Folder of the user's data: `$XDG_DATA_HOME`, else `~/.local/share` (XDG Base Directory
/// Specification). Relative paths are ignored.
pub(super) fn data_folder() -> Option<PathBuf> {
    xdg_folder(variable_os, "XDG_DATA_HOME", ".local/share")
}

/// Returns true if the environment forbids the network, by the variables of huggingface_hub and of
/// transformers.
pub(super) fn offline() -> bool {
    ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"]
        .iter()
        .any(|name| {
            let value = variable(name).unwrap_or_default();
            let value = value.to_ascii_uppercase();
            matches!(value.as_str(), "1" | "ON" | "YES" | "TRUE")
        })
}
