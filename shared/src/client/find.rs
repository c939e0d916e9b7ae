//! The program `gted`.

use std::ffi::OsString;
use std::path::PathBuf;

/// Finds the `gted` beside this program, else the first on the PATH.
#[must_use]
pub fn find_gted() -> Option<PathBuf> {
    let beside = std::env::current_exe()
        .ok()
        .and_then(|program| Some(program.parent()?.join("gted")));
    beside
        .into_iter()
        .chain(on_path(std::env::var_os("PATH")))
        .find(|candidate| candidate.is_file())
}

fn on_path(path: Option<OsString>) -> impl Iterator<Item = PathBuf> {
    let folders: Vec<PathBuf> = path
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default();
    folders.into_iter().map(|folder| folder.join("gted"))
}
