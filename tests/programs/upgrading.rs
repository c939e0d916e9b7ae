//! A daemon of another version than the program that calls it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;

use gte_shared::VERSION;
use gte_tests::{Daemon, GOLDEN_A, GOLDEN_B, Output, Sandbox, fixture, program, wait_until};
use serde_json::Value;

use crate::models::utf8;
use crate::starting::daemon_pid;

const PAIR: [&str; 3] = ["sim", GOLDEN_A, GOLDEN_B];

fn status(sandbox: &Sandbox) -> Value {
    sandbox.run(&["status", "--json"]).json()
}

/// Version of [`install_older`], as long as this one.
pub(crate) fn older_version() -> String {
    let mut version = VERSION.to_owned();
    let last = version.pop().expect("a version has characters");
    version.push(if last == '0' { '1' } else { '0' });
    version
}

/// Puts programs of another version into a folder of the sandbox: these, with the last digits of
/// their commit changed. Returns false, and says so, if they were not built from a commit.
pub(crate) fn install_older(folder: &Path) -> bool {
    // The compiler writes short strings into its instructions, eight bytes each.
    let digits = VERSION.len().saturating_sub(8);
    let (Some((before, _)), Some(from)) = (VERSION.split_once('+'), VERSION.get(digits..)) else {
        let words = b"NOT RUN: an upgrade, since these programs were built without a commit\n";
        std::io::stderr()
            .write_all(words)
            .expect("stderr can be written to");
        return false;
    };
    assert!(
        digits > before.len(),
        "the commit has more than eight digits"
    );
    let (from, to) = (from.as_bytes(), older_version());
    let to = &to.as_bytes()[digits..];
    fs::create_dir_all(folder).expect("a folder can be created");
    for name in ["gte", "gted"] {
        let mut bytes = fs::read(program(name)).expect("the program can be read");
        let found = bytes.windows(from.len()).enumerate();
        let found = found.filter(|(_, part)| *part == from);
        let found: Vec<usize> = found.map(|(at, _)| at).collect();
        assert!(!found.is_empty(), "{name} names its version");
        for at in found {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
        install(folder, name, &bytes);
    }
    true
}

pub(crate) fn install_current(folder: &Path) {
    for name in ["gte", "gted"] {
        let bytes = fs::read(program(name)).expect("the program can be read");
        install(folder, name, &bytes);
    }
}

/// Puts a program into a folder as package managers do: under another name, which is then changed.
fn install(folder: &Path, name: &str, bytes: &[u8]) {
    let new = folder.join(format!("{name}.new"));
    fs::write(&new, bytes).expect("a file can be written");
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&new, executable).expect("the file is ours");
    fs::rename(new, folder.join(name)).expect("a file can be renamed");
}

/// Runs the `gte` of a folder.
fn run_in(sandbox: &Sandbox, folder: &Path, arguments: &[&str]) -> Output {
    Output::of(sandbox.command(folder.join("gte")).args(arguments))
}

#[test]
fn an_idle_daemon_is_replaced_after_an_upgrade() {
    let sandbox = Sandbox::default();
    let bin = sandbox.path().join("bin");
    if !install_older(&bin) {
        return;
    }
    let old = run_in(&sandbox, &bin, &PAIR);
    assert_eq!(old.stderr, "", "{old:?}");
    assert_eq!(status(&sandbox)["version"], older_version());
    install_current(&bin);
    wait_until("no other connection", || {
        status(&sandbox)["connections"] == 1
    });
    let upgraded = run_in(&sandbox, &bin, &PAIR);
    assert!(upgraded.stderr.contains("was replaced by"), "{upgraded:?}");
    upgraded.success();
    assert_eq!(status(&sandbox)["version"], VERSION);
    assert_eq!(run_in(&sandbox, &bin, &PAIR).stderr, "");
}

#[test]
fn a_daemon_in_use_is_named_once_after_an_upgrade() {
    let sandbox = Sandbox::default();
    let bin = sandbox.path().join("bin");
    if !install_older(&bin) {
        return;
    }
    run_in(&sandbox, &bin, &PAIR).success();
    let mut in_use = UnixStream::connect(sandbox.socket()).expect("a daemon listens");
    in_use
        .write_all(b"{\"command\":\"status\"}\n")
        .expect("a line can be sent");
    install_current(&bin);
    let told = run_in(&sandbox, &bin, &PAIR);
    let expected = format!("the daemon is of version {}", older_version());
    assert!(told.stderr.contains(&expected), "{told:?}");
    assert!(told.stderr.contains("`gte restart`"), "{told:?}");
    told.success();
    assert_eq!(run_in(&sandbox, &bin, &PAIR).stderr, "");
    // `status` says it every time.
    let status = run_in(&sandbox, &bin, &["status"]);
    assert!(status.stderr.contains(&expected), "{status:?}");
    let restarted = run_in(&sandbox, &bin, &["restart", "--json"]);
    assert_eq!(restarted.stderr, "", "{restarted:?}");
    assert_eq!(restarted.json()["version"], VERSION);
}

#[test]
fn a_daemon_started_by_hand_is_not_replaced() {
    let sandbox = Sandbox::default();
    let bin = sandbox.path().join("bin");
    if !install_older(&bin) {
        return;
    }
    let mut old = sandbox.command(bin.join("gted"));
    let mut old = old
        .arg("serve")
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    wait_until("the socket", || sandbox.socket().exists());
    let told = sandbox.run(&PAIR);
    assert!(told.stderr.contains("the daemon is of version"), "{told:?}");
    assert_eq!(status(&sandbox)["pid"], old.id());
    sandbox.run(&["stop"]).success();
    old.wait().expect("it ends");
}

#[test]
fn restart_names_another_model() {
    let sandbox = Sandbox::default();
    let tiny = fixture("tiny-bert/hf");
    let _daemon = Daemon::start(&sandbox, &["--model", utf8(&tiny)]);
    let restarted = sandbox.run(&["restart"]);
    let expected = "answers now, and hf";
    assert!(restarted.stderr.contains(expected), "{restarted:?}");
    restarted.success();
    let pid = daemon_pid(&sandbox);
    assert_eq!(sandbox.run(&["restart"]).stderr, "");
    assert_ne!(daemon_pid(&sandbox), pid);
}
