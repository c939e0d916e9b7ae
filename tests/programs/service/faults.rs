//! A daemon that hangs, is killed, or takes long to start.

use std::fs;

use gte_tests::{ServiceUser, fixture, has_golden_score, wait_until};
use rustix::process::{Pid, Signal, kill_process};

use super::user::{configure, installed, score, status, wait_for_state, write_texts};
use crate::models::{copy_folder, utf8};

fn signal(user: &ServiceUser, signal: Signal) -> String {
    let pid = user.property("gted.service", "MainPID");
    let process = Pid::from_raw(pid.parse().expect("a process id")).expect("it runs");
    kill_process(process, signal).expect("a signal can be sent");
    pid
}

#[test]
fn the_watchdog_ends_a_daemon_that_hangs() {
    let Some(user) = installed() else {
        return;
    };
    user.drop_in("gted.service", "[Service]\nWatchdogSec=4\n");
    score(&user).success();
    let hanging = signal(&user, Signal::STOP);
    wait_until("another daemon", || {
        let pid = user.property("gted.service", "MainPID");
        pid != "0" && pid != hanging
    });
    assert!(has_golden_score(&score(&user).success()));
    assert_eq!(user.property("gted.service", "NRestarts"), "1");
}

#[test]
fn load_does_not_trip_the_watchdog() {
    let Some(user) = installed() else {
        return;
    };
    user.drop_in("gted.service", "[Service]\nWatchdogSec=4\n");
    write_texts(&user, 1500, 200);
    let jobs: Vec<_> = (0..3)
        .map(|_| user.spawn(&["gte", "embed", "texts"]))
        .collect();
    for job in jobs {
        let done = job.wait_with_output().expect("it ends");
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
    assert_eq!(user.property("gted.service", "NRestarts"), "0");
}

#[test]
fn a_daemon_killed_under_load_is_replaced() {
    let Some(user) = installed() else {
        return;
    };
    write_texts(&user, 2000, 100);
    let job = user.spawn(&["gte", "embed", "texts"]);
    wait_until("pending texts", || {
        let status = user.run(&["gte", "status", "--json"]);
        let status: Option<serde_json::Value> = serde_json::from_str(&status.stdout).ok();
        status.is_some_and(|status| status["pending_texts"] != 0)
    });
    let killed = signal(&user, Signal::KILL);
    assert!(has_golden_score(&score(&user).success()));
    // The job goes on with the next daemon.
    let done = job.wait_with_output().expect("it ends");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert_eq!(String::from_utf8_lossy(&done.stdout).lines().count(), 2000);
    assert_ne!(status(&user)["pid"].to_string(), killed);
}

#[test]
fn a_long_start_is_given_time() {
    let Some(user) = ServiceUser::start() else {
        return;
    };
    let model = user.home().join("model");
    copy_folder(&fixture("tiny-bert/hf"), &model);
    let config = model.join("config.json");
    let content = fs::read(&config).expect("it exists");
    // Opening a pipe waits for somebody who writes into it.
    fs::remove_file(&config).expect("a file can be removed");
    let made = std::process::Command::new("mkfifo").arg(&config).status();
    assert!(made.expect("mkfifo runs").success());
    configure(&user, &format!("model = \"{}\"", utf8(&model)));
    user.run(&["gted", "install", "--now"]).success();
    // Far less than the start takes.
    user.drop_in("gted.service", "[Service]\nTimeoutStartSec=3\n");
    let job = user.spawn(&["gte", "sim", "a", "b"]);
    wait_for_state(&user, "activating");
    let first = user.property("gted.service", "MainPID");
    let started = user.property("gted.service", "ExecMainStartTimestampMonotonic");
    let started: u64 = started.parse().expect("microseconds");
    wait_until("five seconds of starting", || {
        uptime_micros() > started + 5_000_000
    });
    assert_eq!(user.property("gted.service", "ActiveState"), "activating");
    // The daemon waits for a writer. Who opens the file later finds it as it was.
    let mut pipe = fs::OpenOptions::new()
        .write(true)
        .open(&config)
        .expect("the daemon reads");
    let file = model.join("file");
    fs::write(&file, &content).expect("a file can be written");
    fs::rename(&file, &config).expect("a file can be renamed");
    std::io::Write::write_all(&mut pipe, &content).expect("the daemon reads");
    drop(pipe);
    let done = job.wait_with_output().expect("it ends");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert_eq!(user.property("gted.service", "MainPID"), first);
}

/// Microseconds since the start of the system.
fn uptime_micros() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(time.tv_sec).expect("positive") * 1_000_000
        + u64::try_from(time.tv_nsec / 1000).expect("positive")
}
