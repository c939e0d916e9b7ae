//! Vectors on disk between two runs of the daemon.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use gte_tests::{Daemon, Output, Sandbox, fixture, gted, program, wait_until};
use rustix::process::Signal;
use serde_json::Value;

use crate::disk::can_mount;
use crate::models::{copy_folder, utf8};

/// Options of a daemon with a disk cache.
const ON: [&str; 2] = ["--disk-cache", "64MiB"];

/// Folder of the disk cache.
fn folder(sandbox: &Sandbox) -> PathBuf {
    sandbox.path().join(".cache/gte")
}

fn file(sandbox: &Sandbox) -> PathBuf {
    folder(sandbox).join("vectors.sqlite")
}

fn texts() -> String {
    (0..300).map(|n| format!("退款流程第{n}号\n")).collect()
}

/// Starts a daemon with a disk cache, and waits until its file is open: a slow disk would be
/// bypassed.
fn start(sandbox: &Sandbox, options: &[&str]) -> Daemon {
    let daemon = Daemon::start(sandbox, &[&ON[..], options].concat());
    wait_until("the disk cache", || {
        let state = state(sandbox);
        state["bytes"].as_u64() > Some(0) || state["faults"].as_u64() > Some(0)
    });
    daemon
}

/// Vectors of all texts, as they are printed.
fn embed(sandbox: &Sandbox) -> String {
    sandbox.run_with(&["embed"], texts()).success()
}

/// State of the disk cache.
fn state(sandbox: &Sandbox) -> Value {
    sandbox.run(&["status", "--json"]).json()["disk_cache"].clone()
}

fn stop(sandbox: &Sandbox, daemon: &mut Daemon) {
    sandbox.run(&["stop"]).success();
    assert!(daemon.wait().success());
}

#[test]
fn nothing_is_kept_unless_asked_for() {
    let sandbox = Sandbox::default();
    let _daemon = Daemon::start(&sandbox, &[]);
    embed(&sandbox);
    assert_eq!(state(&sandbox), Value::Null);
    assert!(!folder(&sandbox).exists());
}

#[test]
fn the_next_daemon_computes_nothing_again() {
    let sandbox = Sandbox::default();
    let mut daemon = start(&sandbox, &[]);
    let before = embed(&sandbox);
    let counted = state(&sandbox);
    assert_eq!(
        (&counted["hits"], &counted["misses"]),
        (&0.into(), &300.into())
    );
    stop(&sandbox, &mut daemon);
    // The log of the database has been written to its place.
    let names = fs::read_dir(folder(&sandbox)).expect("the folder exists");
    assert_eq!(names.count(), 1);
    let mode = fs::metadata(file(&sandbox))
        .expect("the file exists")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let content = fs::read(file(&sandbox)).expect("the file can be read");
    let text = "退款".as_bytes();
    assert!(!content.windows(text.len()).any(|window| window == text));

    let _daemon = start(&sandbox, &[]);
    assert_eq!(embed(&sandbox), before);
    let counted = state(&sandbox);
    assert_eq!(
        (&counted["hits"], &counted["misses"]),
        (&300.into(), &0.into())
    );
    assert_eq!(counted["faults"], 0, "{counted}");
    // From now on they are in memory.
    assert_eq!(embed(&sandbox), before);
    assert_eq!(state(&sandbox)["hits"], 300);
}

#[test]
fn vectors_of_another_precision_or_model_are_not_taken() {
    let sandbox = Sandbox::default();
    let model = sandbox.path().join("tiny");
    copy_folder(&fixture("tiny-bert/hf"), &model);
    for (precision, weights, hits) in [
        ("f32", "model.safetensors", 0),
        ("int8", "model.safetensors", 0),
        ("f32", "model.safetensors", 300),
        ("f32", "copy.safetensors", 0),
    ] {
        let path = model.join("model.safetensors");
        let renamed = model.join(weights);
        if renamed != path {
            // The same weights once more, in another file.
            fs::copy(&path, &renamed).expect("a file can be copied");
            fs::rename(&renamed, &path).expect("a file can be renamed");
        }
        let options = ["--model", utf8(&model), "--precision", precision];
        let mut daemon = start(&sandbox, &options);
        embed(&sandbox);
        assert_eq!(state(&sandbox)["hits"], hits, "{precision} {weights}");
        stop(&sandbox, &mut daemon);
    }
}

#[test]
fn a_killed_daemon_leaves_a_file_that_can_be_used() {
    let sandbox = Sandbox::default();
    let mut daemon = start(&sandbox, &[]);
    let before = embed(&sandbox);
    wait_until("the vectors to be written", || {
        state(&sandbox)["bytes"].as_u64() > Some(300 * 2048)
    });
    daemon.signal(Signal::KILL);
    daemon.wait();
    let _daemon = start(&sandbox, &[]);
    assert_eq!(embed(&sandbox), before);
    let counted = state(&sandbox);
    assert_eq!(counted["faults"], 0, "{counted}");
    assert!(counted["hits"].as_u64() > Some(0), "{counted}");
}

#[test]
fn a_corrupt_file_is_named_once_and_bypassed() {
    let sandbox = Sandbox::default();
    let path = file(&sandbox);
    fs::create_dir_all(folder(&sandbox)).expect("a folder can be made");
    fs::write(&path, "garbage ".repeat(9999)).expect("a file can be written");
    let mut daemon = start(&sandbox, &[]);
    let vectors = embed(&sandbox);
    let counted = state(&sandbox);
    let problem = counted["problem"].as_str().expect("a problem");
    assert!(problem.contains(utf8(&path)), "{problem}");
    assert!(problem.contains("remove"), "{problem}");
    let table = sandbox.run(&["status"]).success();
    assert!(table.contains("disk_cache_faults\t1\n"), "{table}");
    stop(&sandbox, &mut daemon);

    fs::remove_file(&path).expect("a file can be removed");
    let mut daemon = start(&sandbox, &[]);
    assert_eq!(embed(&sandbox), vectors);
    assert_eq!(state(&sandbox)["problem"], Value::Null);
    stop(&sandbox, &mut daemon);
    let bypassed = |line: &String| line.contains("disk cache bypassed");
    assert!(!daemon.rest_of_log().iter().any(bypassed));
}

#[test]
fn a_file_that_another_daemon_has_is_bypassed() {
    let sandbox = Sandbox::default();
    let _first = start(&sandbox, &[]);
    let socket = sandbox.path().join("other.sock");
    let mut other = sandbox.command(gted());
    let other = other.args(["serve", "--socket", utf8(&socket)]).args(ON);
    let mut other = other.spawn().expect("gted runs");
    wait_until("the other daemon", || socket.exists());
    let of_other = |arguments: &[&str]| {
        let socket = ["--socket", utf8(&socket)];
        sandbox.run(&[arguments, &socket].concat())
    };
    of_other(&["sim", "a", "b"]).success();
    let status = of_other(&["status", "--json"]).json();
    let problem = status["disk_cache"]["problem"].as_str().expect("a problem");
    assert!(problem.contains("another daemon has it"), "{problem}");
    of_other(&["stop"]).success();
    other.wait().expect("it ends");
    assert_eq!(state(&sandbox)["faults"], 0);
}

#[test]
fn a_full_disk_is_bypassed() {
    if !can_mount() {
        return;
    }
    let sandbox = Sandbox::default();
    fs::create_dir_all(folder(&sandbox)).expect("a folder can be made");
    let script = r#"mount -t tmpfs -o size=256k none "$1" || exit 99
        "$2" embed texts | wc -l
        "$2" status --json
        "$2" stop"#;
    fs::write(sandbox.path().join("texts"), texts()).expect("a file can be written");
    let mut command = sandbox.command("unshare");
    command
        .args(["--mount", "--map-root-user", "sh", "-c", script, "sh"])
        .args([&folder(&sandbox), &program("gte")])
        .env("GTE_DISK_CACHE", "64MiB");
    let output = Output::of(&mut command).success();
    let (count, status) = output.split_once('\n').expect("two lines");
    assert_eq!(count.trim(), "300");
    let status: Value = serde_json::from_str(status).expect("JSON");
    let problem = status["disk_cache"]["problem"].as_str().expect("a problem");
    assert!(
        problem.contains("full") && problem.contains("make room"),
        "{problem}"
    );
    let log = fs::read_to_string(sandbox.path().join("gted.sock.log")).expect("a log");
    assert_eq!(log.matches("disk cache bypassed").count(), 1, "{log}");
}
