//! Disks that are full or cannot be written on: real ones, a few hundred kilobytes large, in a mount
//! namespace of their own.

use std::fs;
use std::process::Command;

use gte_tests::{Faults, Hub, Output, Sandbox, fixture, gted};

use crate::models::{gives_pytorchs_values, leftovers};

/// Whether this machine lets a user mount things for himself. Where it does not, these tests cannot
/// be run, and say so.
fn can_mount() -> bool {
    let tried = Command::new("unshare")
        .args([
            "--mount",
            "--map-root-user",
            "mount",
            "-t",
            "tmpfs",
            "none",
            "/mnt",
        ])
        .output();
    let can = tried.is_ok_and(|output| output.status.success());
    if !can {
        eprintln!("NOT RUN: no disk of its own can be mounted here");
    }
    can
}

/// Pulls the tiny model with a disk in place of the folder of data, and lists what is then on it.
fn pull_onto(sandbox: &Sandbox, hub: &Hub, options: &str) -> Output {
    let data = sandbox.path().join(".local/share/gte");
    fs::create_dir_all(&data).expect("a folder can be made");
    let script = r#"mount -t tmpfs -o "$1" none "$2" || exit 99
        shift 2
        "$@"
        status=$?
        ls -A "$XDG_DATA_HOME/gte/models" 2>/dev/null | grep -v lock
        exit $status"#;
    let output = sandbox
        .command("unshare")
        .args([
            "--mount",
            "--map-root-user",
            "sh",
            "-c",
            script,
            "sh",
            options,
        ])
        .arg(&data)
        .arg(gted())
        .args(["pull", "owner/tiny", "--from", "huggingface"])
        .env("XDG_DATA_HOME", sandbox.path().join(".local/share"))
        .env("HF_ENDPOINT", hub.endpoint())
        .output()
        .expect("unshare can be started");
    Output {
        status: output.status,
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

#[test]
fn a_disk_without_room_is_found_out_before_the_weights_are_fetched() {
    if !can_mount() {
        return;
    }
    let sandbox = Sandbox::default();
    let hub = Hub::serving(&fixture("tiny-bert/hf"));
    let output = pull_onto(&sandbox, &hub, "size=300k");
    assert_eq!(output.code(), Some(1), "{output:?}");
    assert!(
        output.stderr.contains("not enough disk space at"),
        "{output:?}"
    );
    assert!(!hub.requests().iter().any(|request| request.to_cdn));
}

#[test]
fn a_disk_that_fills_up_meanwhile_is_named_and_leaves_no_model() {
    if !can_mount() {
        return;
    }
    let sandbox = Sandbox::default();
    let hub = Hub::serving(&fixture("tiny-bert/hf"));
    // Nobody knows how much will come.
    hub.misbehave(Faults {
        no_checksums: true,
        ..Faults::default()
    });
    let output = pull_onto(&sandbox, &hub, "size=100k");
    assert_eq!(output.code(), Some(1), "{output:?}");
    assert!(
        output.stderr.contains("No space left on device"),
        "{output:?}"
    );
    assert!(
        output.stderr.contains("model.safetensors.part"),
        "{output:?}"
    );
    assert_eq!(output.stdout.trim(), ".tiny.huggingface.download");

    // With room, it works.
    let output = pull_onto(&sandbox, &hub, "size=4m");
    assert_eq!(output.success().lines().last(), Some("tiny"));
}

#[test]
fn a_disk_that_cannot_be_written_on_is_named() {
    if !can_mount() {
        return;
    }
    let sandbox = Sandbox::default();
    let hub = Hub::serving(&fixture("tiny-bert/hf"));
    let output = pull_onto(&sandbox, &hub, "ro");
    assert_eq!(output.code(), Some(1), "{output:?}");
    assert!(
        output.stderr.contains("Read-only file system"),
        "{output:?}"
    );
    assert_eq!(hub.requests().len(), 0, "nothing is asked for in vain");
    assert_eq!(leftovers(&sandbox), Vec::<String>::new());
    let folder = fixture("tiny-bert/hf");
    let folder = folder.to_str().expect("UTF-8");
    sandbox
        .gted(&["convert", folder, "--name", "tiny"])
        .success();
    gives_pytorchs_values(&sandbox, "tiny");
}
