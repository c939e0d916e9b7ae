//! Where the reference values are.

use std::io::Write;
use std::path::{Path, PathBuf};

/// A file that lies beside the tests.
#[must_use]
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

/// A file of the folder `shared` beside the checkout, which not every machine has. Where it is
/// missing, says so past the test runner's capture and returns `None`.
#[must_use]
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared")
        .join(name);
    if path.exists() {
        return Some(path);
    }
    let words = format!("NOT RUN: a check needs {name}, which this machine does not have\n");
    std::io::stderr()
        .write_all(words.as_bytes())
        .expect("stderr can be written to");
    None
}
