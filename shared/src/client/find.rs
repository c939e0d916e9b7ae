//! The program `gted`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::version::VERSION;

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

/// Returns true if the `gted` that would be started is of this version.
pub(super) fn is_current_gted() -> bool {
    let output = find_gted().and_then(|gted| Command::new(gted).arg("--version").output().ok());
    output.is_some_and(|output| output.stdout.trim_ascii() == format!("gted {VERSION}").as_bytes())
}

fn on_path(path: Option<OsString>) -> impl Iterator<Item = PathBuf> {
    let folders: Vec<PathBuf> = path
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default();
    folders.into_iter().map(|folder| folder.join("gted"))
}
