//! Environment variables that are set and not empty.
//!
//! An empty variable counts as one that is not set, as it is with `NO_COLOR` (no-color.org) and in
//! the XDG Base Directory Specification.

use std::ffi::OsString;
use std::path::PathBuf;

/// Value of a variable that is set, not empty and valid Unicode.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    variable_os(name)?.into_string().ok()
}

/// Value of a variable that is set and not empty.
#[must_use]
pub fn variable_os(name: &str) -> Option<OsString> {
    not_empty(std::env::var_os(name))
}

/// Folder of the XDG Base Directory Specification: that of the variable `name`, else `in_home` in
/// the home; `None` if neither `variable(name)` nor `HOME` is an absolute path.
#[must_use]
pub fn xdg_folder(
    variable: impl Fn(&str) -> Option<OsString>,
    name: &str,
    in_home: &str,
) -> Option<PathBuf> {
    let folder = |name| {
        let path = PathBuf::from(variable(name)?);
        path.is_absolute().then_some(path)
    };
    folder(name).or_else(|| Some(folder("HOME")?.join(in_home)))
}

/// The value of a variable, unless it is empty.
pub(crate) fn not_empty(value: Option<OsString>) -> Option<OsString> {
    value.filter(|value| !value.is_empty())
}
