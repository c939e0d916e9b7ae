//! Environment variables that the store reads.

use std::path::PathBuf;

use gte_shared::environment::{variable, variable_os, xdg_folder};

/// Folder of the user's data: `$XDG_DATA_HOME`, else `~/.local/share` (XDG Base Directory
/// Specification). Relative paths are ignored.
pub(super) fn data_folder() -> Option<PathBuf> {
    xdg_folder(variable_os, "XDG_DATA_HOME", ".local/share")
}

/// Folder of the user's caches: `$XDG_CACHE_HOME`, else `~/.cache`.
pub(super) fn user_cache() -> Option<PathBuf> {
    variable("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache")))
}

/// Returns true if the environment forbids the network.
pub(super) fn offline() -> bool {
    let value = variable("HF_HUB_OFFLINE").unwrap_or_default();
    matches!(
        value.to_ascii_uppercase().as_str(),
        "1" | "ON" | "YES" | "TRUE"
    )
}
