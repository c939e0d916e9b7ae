//! Environment variables that the store reads.

use std::env;
use std::path::PathBuf;

/// Value of a variable that is set and not empty.
pub(super) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Folder of the user's data: `$XDG_DATA_HOME`, else `~/.local/share`. Relative paths do not count.
pub(super) fn data_folder() -> Option<PathBuf> {
    let folder = |name| {
        let path = env::var_os(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    folder("XDG_DATA_HOME").or_else(|| Some(folder("HOME")?.join(".local/share")))
}

/// Folder in which a hub's own client keeps its cache: `$XDG_CACHE_HOME`, else `~/.cache`.
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
