//! Start on demand, idle times, and the client beside a socket that the service manager has bound.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use gte_shared::VERSION;
use gte_tests::{ServiceUser, has_golden_score, wait_until};

use super::user::{
    configure, installed, installed_with, score, status, wait_for_state, write_texts,
};
use crate::upgrading::{install_current, install_older, older_version};

/// Process id of the daemon, as the service manager knows it.
fn main_pid(user: &ServiceUser) -> String {
    user.property("gted.service", "MainPID")
}

#[test]
fn the_daemon_starts_on_demand_and_leaves_when_idle() {
    let Some(user) = installed_with("idle_exit = \"3s\"") else {
        return;
    };
    // A connection that asks nothing more neither keeps the daemon nor starts it.
    let mut idle = UnixStream::connect(user.socket()).expect("the service manager listens");
    let ask = |idle: &mut UnixStream| {
        let line = b"{\"a\":\"\xe7\x94\xb2\",\"b\":\"\xe4\xb9\x99\"}\n";
        idle.write_all(line).expect("a request can be sent");
        let mut reply = String::new();
        let read = BufReader::new(idle).read_line(&mut reply);
        read.expect("a reply comes");
        reply
    };
    assert!(ask(&mut idle).contains("similarity"));
    let mut pids = vec![main_pid(&user)];
    for _ in 0..10 {
        wait_for_state(&user, "inactive");
        assert_eq!(user.property("gted.service", "Result"), "success");
        assert_eq!(user.property("gted.socket", "ActiveState"), "active");
        // Looking does not start it.
        let looked = user.run(&["gte", "status"]);
        assert_eq!(looked.code(), Some(1), "{looked:?}");
        assert!(looked.stderr.contains("no daemon is running"), "{looked:?}");
        let stopped = user.run(&["gte", "stop"]);
        assert!(
            stopped.stderr.contains("no daemon is running"),
            "{stopped:?}"
        );
        stopped.success();
        assert_eq!(user.property("gted.service", "ActiveState"), "inactive");
        assert!(has_golden_score(&score(&user).success()));
        pids.push(main_pid(&user));
    }
    pids.sort();
    pids.dedup();
    assert_eq!(pids.len(), 11, "{pids:?}");
}

#[test]
fn a_screen_does_not_notice_that_the_daemon_left() {
    let Some(user) = installed_with("idle_exit = \"3s\"") else {
        return;
    };
    // A client that keeps its connection, as the screen does: between two lines it is idle.
    let mut batch = user.command(&["gte", "batch", "--json"]);
    let mut batch = batch
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("gte runs");
    let mut lines = batch.stdin.take().expect("stdin is piped");
    let mut replies = BufReader::new(batch.stdout.take().expect("stdout is piped")).lines();
    for _ in 0..2 {
        lines
            .write_all("\u{7532}\t\u{4e59}\n".as_bytes())
            .expect("a line can be written");
        let reply = replies.next().expect("a reply").expect("text");
        assert!(reply.contains("similarity"), "{reply}");
        wait_for_state(&user, "inactive");
    }
    drop(lines);
    assert!(batch.wait().expect("it ends").success());
}

#[test]
fn a_request_that_runs_keeps_the_daemon() {
    let Some(user) = installed_with("idle_exit = \"1s\"") else {
        return;
    };
    write_texts(&user, 1000, 400);
    let job = user.spawn(&["gte", "embed", "texts"]);
    wait_until("the daemon", || main_pid(&user) != "0");
    let first = main_pid(&user);
    let done = job.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&done.stdout).lines().count(), 1000);
    wait_for_state(&user, "inactive");
    // A client would send its requests again to the next daemon.
    assert_eq!(user.property("gted.service", "ExecMainPID"), first);
}

#[test]
fn a_daemon_of_a_client_makes_way_for_the_socket_unit() {
    let Some(user) = installed() else {
        return;
    };
    user.systemctl(&["stop", "gted.socket", "gted.service"])
        .success();
    score(&user).success();
    assert_eq!(status(&user)["detached"], true);
    // The service manager binds the socket anew, under the daemon that has it.
    user.systemctl(&["start", "gted.socket"]).success();
    wait_until("an answer of the service", || {
        score(&user).success();
        status(&user)["detached"] == false
    });
    assert_eq!(status(&user)["pid"].to_string(), main_pid(&user));
}

#[test]
fn looking_at_a_draining_daemon_starts_no_other() {
    let Some(user) = installed_with("drain_timeout = \"4s\"") else {
        return;
    };
    let texts: Vec<String> = (0..2000)
        .map(|n| format!("{n}{}", "\u{957f}".repeat(500)))
        .collect();
    let line = serde_json::json!({ "query": "a", "texts": texts }).to_string() + "\n";
    let mut busy = UnixStream::connect(user.socket()).expect("the service manager listens");
    busy.write_all(line.as_bytes()).expect("it can be sent");
    wait_until("pending texts", || status(&user)["pending_texts"] == 2001);
    user.systemctl(&["kill", "gted.service"]).success();
    wait_until("the end of requests", || {
        user.property("gted.service", "ActiveState") == "deactivating"
    });
    let looked = user.run(&["gte", "status"]);
    assert_eq!(looked.code(), Some(1), "{looked:?}");
    user.run(&["gte", "stop"]).success();
    wait_for_state(&user, "inactive");
    assert_eq!(user.property("gted.socket", "ActiveState"), "active");
    assert_eq!(main_pid(&user), "0");
}

#[test]
fn an_upgrade_is_named_and_restart_brings_it() {
    let Some(user) = ServiceUser::start() else {
        return;
    };
    let bin = user.home().join("bin");
    if !install_older(&bin) {
        return;
    }
    user.run(&["gted", "install", "--now"]).success();
    score(&user).success();
    assert_eq!(status(&user)["version"], older_version());
    install_current(&bin);
    let first = score(&user);
    let words = "`gte restart` replaces the daemon";
    assert!(first.stderr.contains(words), "{first:?}");
    assert!(has_golden_score(&first.success()));
    assert_eq!(score(&user).stderr, "");
    user.run(&["gte", "restart"]).success();
    let now = status(&user);
    assert_eq!(now["version"], VERSION);
    assert_eq!(now["pid"].to_string(), main_pid(&user));
}

#[test]
fn a_start_that_fails_is_told_to_the_client() {
    let Some(user) = installed_with("model = \"missing\"") else {
        return;
    };
    for _ in 0..3 {
        let refused = score(&user);
        assert_eq!(refused.code(), Some(1), "{refused:?}");
        assert!(refused.stderr.contains("missing"), "{refused:?}");
        wait_for_state(&user, "failed");
        assert_eq!(user.property("gted.service", "ExecMainStatus"), "4");
        assert_eq!(user.property("gted.service", "NRestarts"), "0");
        assert_eq!(user.property("gted.socket", "ActiveState"), "active");
    }
    configure(&user, "treads = 2");
    let mut json = UnixStream::connect(user.socket()).expect("the service manager listens");
    json.write_all(b"{\"command\":\"status\"}\n")
        .expect("it can be sent");
    let mut reply = String::new();
    BufReader::new(json)
        .read_line(&mut reply)
        .expect("a reply comes");
    assert!(reply.contains("unknown key `treads`"), "{reply}");
    assert!(reply.contains("did you mean `threads`?"), "{reply}");
    wait_until("the end of the daemon", || main_pid(&user) == "0");
    configure(&user, "");
    assert!(has_golden_score(&score(&user).success()));
}
