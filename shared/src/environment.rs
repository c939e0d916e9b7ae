//! Environment variables that are set and not empty.
//!
//! An empty variable counts as one that is not set, as it is with `NO_COLOR` (no-color.org) and in
//! the XDG Base Directory Specification.

use std::ffi::OsString;

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

/// The value of a variable, unless it is empty.
pub(crate) fn not_empty(value: Option<OsString>) -> Option<OsString> {
    value.filter(|value| !value.is_empty())
}
