//! Sets `GTE_VERSION`: the version of the package, and the commit where it is built from a
//! checkout. Two builds of one version then differ by name.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let version = match checkout().and_then(|()| git(&["rev-parse", "--short=9", "HEAD"])) {
        Some(commit) => {
            // The log changes with every commit and checkout; `HEAD` stands in where none is kept.
            let logged = git(&["rev-parse", "--git-path", "logs/HEAD"]);
            let logged = logged.filter(|log| Path::new(log).exists());
            if let Some(changing) = logged.or_else(|| git(&["rev-parse", "--git-path", "HEAD"])) {
                println!("cargo::rerun-if-changed={changing}");
            }
            format!("{version}+{commit}")
        }
        None => version,
    };
    println!("cargo::rustc-env=GTE_VERSION={version}");
}

/// `Some` in a checkout of this project: a copy of the sources may lie inside another one.
fn checkout() -> Option<()> {
    let top = PathBuf::from(git(&["rev-parse", "--show-toplevel"])?);
    let package = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR")?);
    let project = package.parent()?.canonicalize().ok()?;
    (top.canonicalize().ok()? == project).then_some(())
}

/// Output of a git command that succeeds.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| output.status.success() && !text.is_empty())
}
