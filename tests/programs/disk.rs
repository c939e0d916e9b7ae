//! Full and read-only disks: real file systems of a few hundred kilobytes, in a mount namespace of
//! their own.

use std::fs;
use std::path::Path;
use std::process::Command;

use gte_tests::{Faults, Hub, Output, Sandbox, fixture, gted};

use crate::models::{assert_matches_pytorch, convert, installed_entries};

/// Returns true if a user can mount file systems on this machine. Otherwise says on stderr that the
/// test is not run.
pub(crate) fn can_mount() -> bool {
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
        eprintln!("NOT RUN: a user cannot mount a file system here");
    }
    can
}

/// Pulls the tiny BERT onto a tmpfs mounted with `options`. Stdout ends with the names of models
/// and unfinished pulls on it.
fn pull_onto(sandbox: &Sandbox, hub: &Hub, options: &str) -> Output {
    let data = sandbox.path().join(".local/share/gte");
    fs::create_dir_all(&data).expect("a folder can be created");
    let script = r#"mount -t tmpfs -o "$1" none "$2" || exit 99
        shift 2
        "$@"
        status=$?
        ls -A "$XDG_DATA_HOME/gte/models" 2>/dev/null | grep -v lock
        exit $status"#;
    let mut command = sandbox.command("unshare");
    command
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
        .env("HF_ENDPOINT", hub.endpoint());
    Output::of(&mut command)
}

#[test]
fn a_small_disk_is_refused_before_the_weights_are_fetched() {
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
    assert!(!hub.take_requests().iter().any(|request| request.to_cdn));
}

#[test]
fn a_disk_that_fills_up_is_named_and_keeps_no_model() {
    if !can_mount() {
        return;
    }
    let sandbox = Sandbox::default();
    let hub = Hub::serving(&fixture("tiny-bert/hf"));
    // The hub states no sizes, so the space cannot be checked in advance.
    hub.set_faults(Faults::no_checksums());
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

    // A disk with enough space takes the model.
    let output = pull_onto(&sandbox, &hub, "size=4m");
    assert_eq!(output.success().lines().last(), Some("tiny"));
}

#[test]
fn room_is_checked_for_what_a_conversion_writes() {
    if !can_mount() {
        return;
    }
    let sandbox = Sandbox::default();
    let data = sandbox.path().join("data/gte");
    fs::create_dir_all(&data).expect("a folder can be created");
    // 24 MB of int8 weights become 95 MB of f32 weights.
    let weights = "../daemon/assets/bge-small-zh-v1.5/model.int8.safetensors";
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join(weights);
    let script = r#"mount -t tmpfs -o size=60m none "$1" || exit 99
        shift
        "$@"
        status=$?
        ls -A "$XDG_DATA_HOME/gte/models" | grep -v lock
        exit $status"#;
    let mut convert = sandbox.command("unshare");
    convert
        .args(["--mount", "--map-root-user", "sh", "-c", script, "sh"])
        .arg(&data)
        .arg(gted())
        .args(["convert", "--name", "large", "--pooling", "cls"])
        .arg(&weights)
        .env("XDG_DATA_HOME", sandbox.path().join("data"));
    let refused = Output::of(&mut convert);
    assert_eq!(refused.code(), Some(1), "{refused:?}");
    let words = "not enough disk space";
    assert!(refused.stderr.contains(words), "{refused:?}");
    assert!(refused.stderr.contains("95 MB are needed"), "{refused:?}");
    assert_eq!(refused.stdout, "");
}

#[test]
fn a_read_only_disk_is_named_before_any_request() {
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
    assert_eq!(hub.take_requests().len(), 0);
    assert_eq!(installed_entries(&sandbox), Vec::<String>::new());
    // The folder outside the mount namespace stays usable.
    convert(&sandbox, &fixture("tiny-bert/hf"), "tiny").success();
    assert_matches_pytorch(&sandbox, "tiny");
}
