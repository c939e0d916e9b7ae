//! Sets `GTE_VERSION`: the version of the package, and the commit where it is built from a
//! checkout. Two builds of one version then differ by name.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let version = match git(&["rev-parse", "--short=9", "HEAD"]) {
        Some(commit) => {
            // Changes with every commit and checkout.
            if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"])
                && Path::new(&log).exists()
            {
                println!("cargo::rerun-if-changed={log}");
            }
            format!("{version}+{commit}")
        }
        None => version,
    };
    println!("cargo::rustc-env=GTE_VERSION={version}");
}

/// Output of a git command, if there is git and a checkout of this project.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| output.status.success() && !text.is_empty())
}
