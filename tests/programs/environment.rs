//! Hostile surroundings: few descriptors, full and read-only disks, jumping clocks, links in the
//! place of our files. Each gives a sentence or no difference, and never a panic.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use gte_tests::{
    Daemon, GOLDEN_A, GOLDEN_B, Output, Sandbox, has_golden_score, program, wait_until,
};
use rustix::process::Signal;

use crate::disk::can_mount;
use crate::models::utf8;

const PAIR: [&str; 3] = ["sim", GOLDEN_A, GOLDEN_B];

/// Runs a program with a shell script in a sandbox; `$gte` and `$gted` are the programs.
fn script(sandbox: &Sandbox, shell: &[&str], script: &str) -> Output {
    let mut command = sandbox.command(shell[0]);
    command
        .args(&shell[1..])
        .args(["-c", script])
        .env("gte", program("gte"))
        .env("gted", program("gted"));
    Output::of(&mut command)
}

/// Runs a shell script whose socket is in a file system of its own, mounted with `options`. Without
/// a panic, whatever happens.
fn script_on(sandbox: &Sandbox, options: &str, lines: &str) -> Output {
    fs::create_dir(sandbox.path().join("run")).expect("a folder can be created");
    let mount = format!(
        "mount -t tmpfs -o {options},mode=700 none run || exit 99
        export GTE_SOCKET=$PWD/run/s\n"
    );
    let shell = ["unshare", "--mount", "--map-root-user", "bash"];
    let output = script(sandbox, &shell, &(mount + lines));
    assert!(!output.stderr.contains("panic"), "{output:?}");
    output
}

#[test]
fn few_descriptors_are_enough_for_a_few_clients() {
    let sandbox = Sandbox::default();
    let few = script(
        &sandbox,
        &["bash"],
        "ulimit -n 20; \"$gte\" sim 今天天气很好 今天天气不错",
    );
    assert!(has_golden_score(&few.success()));
    let before = sandbox.run(&["status", "--json"]).json();
    // More clients than the daemon has descriptors for.
    let clients: Vec<UnixStream> = (0..40)
        .map(|_| UnixStream::connect(sandbox.socket()).expect("it waits in the socket"))
        .collect();
    let log = sandbox.path().join("gted.sock.log");
    wait_until("a message in the log", || {
        fs::read_to_string(&log).is_ok_and(|log| log.contains("connection not accepted"))
    });
    drop(clients);
    assert!(has_golden_score(&sandbox.run(&PAIR).success()));
    let after = sandbox.run(&["status", "--json"]).json();
    assert_eq!(after["pid"], before["pid"]);
}

#[test]
fn a_full_disk_keeps_no_daemon_from_its_work() {
    if !can_mount() {
        return;
    }
    let sandbox = Sandbox::default();
    // The folder of socket, lock and log, without room for a byte.
    let output = script_on(
        &sandbox,
        "size=16k",
        r#"dd if=/dev/zero of=run/full bs=1k 2>/dev/null
        "$gte" sim 今天天气很好 今天天气不错; status=$?
        "$gte" stop || exit 98
        exit $status"#,
    );
    assert!(has_golden_score(&output.success()));
}

#[test]
fn a_read_only_folder_of_the_socket_is_named() {
    if !can_mount() {
        return;
    }
    let sandbox = Sandbox::default();
    let output = script_on(
        &sandbox,
        "ro",
        r#""$gted" serve; echo $?
        "$gte" sim 甲 乙; echo $?"#,
    );
    assert_eq!(output.stdout, "4\n1\n", "{output:?}");
    let named = output.stderr.matches("Read-only file system").count();
    assert_eq!(named, 2, "{output:?}");
}

#[test]
fn a_link_in_the_place_of_socket_lock_or_log_is_refused() {
    for (name, words) in [
        ("gted.sock", "exists and is not a socket"),
        ("gted.sock.lock", "Too many levels of symbolic links"),
        ("gted.sock.log", "Too many levels of symbolic links"),
    ] {
        let sandbox = Sandbox::default();
        let precious = sandbox.path().join("precious");
        fs::write(&precious, "precious").expect("a file can be written");
        symlink(&precious, sandbox.path().join(name)).expect("a link can be made");
        let output = sandbox.run(&PAIR);
        assert_eq!(output.code(), Some(1), "{output:?}");
        assert!(output.stderr.contains(words), "{output:?}");
        let content = fs::read_to_string(&precious).expect("the file is there");
        assert_eq!(content, "precious");
    }
}

#[test]
fn a_clock_that_jumps_changes_nothing() {
    let library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
    if !Path::new(library).exists() {
        eprintln!("NOT RUN: a clock that jumps, faketime is not installed");
        return;
    }
    let sandbox = Sandbox::default();
    let clock = sandbox.path().join("clock");
    fs::write(&clock, "+0").expect("a file can be written");
    let with_clock = |command: &mut Command| {
        command
            .env("LD_PRELOAD", library)
            .env("FAKETIME_TIMESTAMP_FILE", &clock)
            .env("FAKETIME_NO_CACHE", "1")
            // As real clocks: the monotonic one does not jump.
            .env("DONT_FAKE_MONOTONIC", "1");
    };
    let mut first = sandbox.gte(&PAIR);
    with_clock(&mut first);
    Output::of(&mut first).success();
    let pid = sandbox.run(&["status", "--json"]).json()["pid"].clone();
    for jump in ["-60y", "+60y", "-1d", "+0"] {
        fs::write(&clock, jump).expect("a file can be written");
        let mut scored = sandbox.gte(&PAIR);
        with_clock(&mut scored);
        assert!(
            has_golden_score(&Output::of(&mut scored).success()),
            "{jump}"
        );
    }
    let status = sandbox.run(&["status", "--json"]).json();
    assert_eq!(status["pid"], pid);
    assert!(
        status["uptime_seconds"]
            .as_u64()
            .is_some_and(|seconds| seconds < 600)
    );
}

#[test]
fn a_stopped_process_is_named_with_its_pid() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    daemon.suspend();
    fs::remove_file(sandbox.socket()).expect("a socket can be removed");
    let refused = sandbox.run(&["status"]);
    daemon.signal(Signal::CONT);
    assert_eq!(refused.code(), Some(1));
    let pid = daemon.pid().as_raw_nonzero();
    let words = format!("gted (pid {pid}) holds {}", utf8(&sandbox.socket()));
    assert!(refused.stderr.contains(&words), "{refused:?}");
    // It goes on where it was.
    assert!(has_golden_score(&sandbox.run(&PAIR).success()));
}
