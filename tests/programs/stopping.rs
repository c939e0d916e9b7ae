//! The end of a daemon: running requests finish, the socket is removed, and the exit code is 0.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use gte_tests::{Daemon, JsonConnection, Sandbox, fixture, gted, wait_until};
use rustix::process::Signal;

use crate::models::{copy_folder, utf8};
use crate::survival::is_running;

fn send(stream: &mut UnixStream, bytes: &[u8]) {
    stream.write_all(bytes).expect("bytes can be sent");
}

/// Request line that keeps the daemon busy for a while.
fn long_request() -> String {
    let texts: Vec<String> = (0..64)
        .map(|n| format!("{n}{}", "长".repeat(100)))
        .collect();
    serde_json::json!({ "texts": texts }).to_string() + "\n"
}

/// Waits until the daemon's status counts `texts` pending texts. Returns the connection that asked.
fn wait_for_pending_texts(daemon: &Daemon, sandbox: &Sandbox, texts: usize) -> JsonConnection {
    let mut connection = daemon.connect_json(sandbox);
    wait_until("pending texts", || {
        let reply = connection.ask(r#"{"command":"status"}"#);
        reply["status"]["pending_texts"] == texts
    });
    connection
}

#[test]
fn signals_let_running_requests_finish() {
    for signal in [Signal::TERM, Signal::INT] {
        let sandbox = Sandbox::default();
        let mut daemon = Daemon::start(&sandbox, &["-v"]);
        let mut busy = daemon.connect(&sandbox);
        send(&mut busy, long_request().as_bytes());
        let _idle = wait_for_pending_texts(&daemon, &sandbox, 64);
        daemon.signal(signal);
        let mut reply = String::new();
        busy.read_to_string(&mut reply)
            .expect("the daemon replies and closes the connection");
        let reply: serde_json::Value = serde_json::from_str(&reply).expect("a whole reply");
        assert_eq!(reply["results"].as_array().map(Vec::len), Some(64));
        assert_eq!(daemon.wait().code(), Some(0));
        assert!(!sandbox.socket().exists());
    }
}

#[test]
fn the_end_of_its_terminal_lets_running_requests_finish() {
    let sandbox = Sandbox::default();
    // A terminal that ends with the program that made it.
    let serve = format!("exec {} serve", utf8(&gted()));
    let mut terminal = sandbox.command("script");
    let terminal = terminal.args(["-q", "-c", &serve, "/dev/null"]);
    let mut terminal = terminal.stdout(Stdio::null()).spawn().expect("script runs");
    let mut pid = None;
    wait_until("the daemon", || {
        let status = sandbox.run(&["status", "--json"]);
        pid = serde_json::from_str(&status.stdout)
            .ok()
            .and_then(|status: serde_json::Value| status["pid"].as_u64());
        pid.is_some()
    });
    let pid = pid.expect("it has one");
    let mut busy = UnixStream::connect(sandbox.socket()).expect("the daemon listens");
    send(&mut busy, long_request().as_bytes());
    wait_until("pending texts", || {
        sandbox.run(&["status", "--json"]).json()["pending_texts"] == 64
    });
    terminal.kill().expect("script can be killed");
    terminal.wait().expect("script has ended");
    let mut reply = String::new();
    busy.read_to_string(&mut reply)
        .expect("the daemon replies and closes the connection");
    assert!(reply.contains("results"), "{reply}");
    wait_until("the end of the daemon", || !is_running(pid));
    assert!(!sandbox.socket().exists());
}

/// Request line that keeps the daemon busy for longer than any test.
fn endless_request() -> String {
    let texts: Vec<String> = (0..8000)
        .map(|n| format!("{n}{}", "长".repeat(500)))
        .collect();
    serde_json::json!({ "query": "长", "texts": texts }).to_string() + "\n"
}

#[test]
fn draining_ends_at_the_timeout() {
    let sandbox = Sandbox::default();
    let mut daemon = Daemon::start(&sandbox, &["--drain-timeout", "2"]);
    let mut busy = daemon.connect(&sandbox);
    send(&mut busy, endless_request().as_bytes());
    drop(wait_for_pending_texts(&daemon, &sandbox, 8001));
    let stops = std::thread::scope(|scope| {
        let first = scope.spawn(|| sandbox.run(&["stop"]));
        daemon.wait_for("draining");
        let second = scope.spawn(|| sandbox.run(&["stop"]));
        [first, second].map(|stop| stop.join().expect("it does not panic"))
    });
    let log = daemon.rest_of_log().join("\n");
    assert!(log.contains("drain timeout"), "{log}");
    assert_eq!(daemon.wait().code(), Some(0));
    for stop in stops {
        let words = format!("waiting for gted (pid {})", daemon.pid().as_raw_nonzero());
        assert!(stop.stderr.contains(&words), "{stop:?}");
        stop.success();
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    let sandbox = Sandbox::default();
    let mut daemon = Daemon::start(&sandbox, &[]);
    let mut busy = daemon.connect(&sandbox);
    send(&mut busy, endless_request().as_bytes());
    drop(wait_for_pending_texts(&daemon, &sandbox, 8001));
    daemon.signal(Signal::TERM);
    daemon.wait_for("draining");
    daemon.signal(Signal::TERM);
    daemon.wait_for("second signal");
    assert_eq!(daemon.wait().code(), Some(0));
    assert!(!sandbox.socket().exists());
}

#[test]
fn a_signal_while_loading_ends_at_once() {
    let sandbox = Sandbox::default();
    let folder = sandbox.path().join("model");
    copy_folder(&fixture("tiny-bert/hf"), &folder);
    // Opening a pipe that nobody writes to waits for ever.
    let config = folder.join("config.json");
    std::fs::remove_file(&config).expect("a file can be removed");
    let made = std::process::Command::new("mkfifo").arg(&config).status();
    assert!(made.expect("mkfifo can be run").success());
    let mut loading = sandbox.command(gted());
    loading.args(["serve", "--model", utf8(&folder)]);
    let loading = loading.spawn().expect("gted can be started");
    wait_until("the socket", || sandbox.socket().exists());
    let pid = rustix::process::Pid::from_child(&loading);
    rustix::process::kill_process(pid, Signal::TERM).expect("a signal can be sent");
    let output = loading.wait_with_output().expect("gted ends");
    assert!(output.status.success(), "{output:?}");
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(log.contains("signal while loading"), "{log}");
    assert!(!sandbox.socket().exists());
}

#[test]
fn silent_clients_do_not_delay_the_end() {
    let sandbox = Sandbox::default();
    let mut daemon = Daemon::start(&sandbox, &[]);
    let mut silent = daemon.connect(&sandbox);
    let mut half_a_frame = daemon.connect(&sandbox);
    send(&mut half_a_frame, b"GTE1\x20\x00");
    let mut half_a_line = daemon.connect(&sandbox);
    send(&mut half_a_line, b"{\"a\":");
    sandbox.run(&["sim", "甲", "乙"]).success();
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait().code(), Some(0));
    let mut rest = Vec::new();
    let count = silent.read_to_end(&mut rest);
    assert_eq!(count.expect("the daemon closes the connection"), 0);
}

#[test]
fn a_client_can_stop_the_daemon() {
    let sandbox = Sandbox::default();
    let mut daemon = Daemon::start(&sandbox, &[]);
    sandbox.run(&["stop"]).success();
    assert_eq!(daemon.wait().code(), Some(0));
    assert!(!sandbox.socket().exists());
    let log = daemon.rest_of_log().join("\n");
    assert!(log.contains("ended"), "{log}");
}

#[test]
fn stop_returns_after_the_daemon_has_ended() {
    let sandbox = Sandbox::default();
    for _ in 0..5 {
        sandbox.run(&["sim", "甲", "乙"]).success();
        sandbox.run(&["stop"]).success();
        // `gted serve` does not retry, so the lock has to be free at once.
        let daemon = Daemon::start(&sandbox, &[]);
        sandbox.run(&["stop"]).success();
        drop(daemon);
    }
}

/// Sends a correct request and four wrong ones, all with a secret, and returns the replies to the
/// wrong ones.
fn send_secrets(daemon: &Daemon, sandbox: &Sandbox) -> String {
    let secret = "绝密内容";
    sandbox.run(&["sim", secret, secret]).success();
    let mut stream = daemon.connect(sandbox);
    for line in [
        format!("{{\"a\":\"{secret}\"}}\n"),
        format!("{{\"{secret}\":1}}\n"),
        format!("{{\"texts\":[\"{secret}\",\" \"]}}\n"),
        format!("{{\"a\":{secret}}}\n"),
    ] {
        send(&mut stream, line.as_bytes());
    }
    stream
        .shutdown(Shutdown::Write)
        .expect("one side can be closed");
    let mut replies = String::new();
    stream
        .read_to_string(&mut replies)
        .expect("the daemon replies and closes the connection");
    assert_eq!(replies.matches("\"error\"").count(), 4, "{replies}");
    replies
}

#[test]
fn error_replies_contain_no_text_of_the_user() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let replies = send_secrets(&daemon, &sandbox);
    assert!(!replies.contains("绝密"), "{replies}");
}

#[test]
fn the_log_contains_no_text_of_the_user() {
    let sandbox = Sandbox::default();
    let mut daemon = Daemon::start(&sandbox, &["-v"]);
    send_secrets(&daemon, &sandbox);
    daemon.signal(Signal::TERM);
    daemon.wait();
    let log = daemon.rest_of_log().join("\n");
    assert!(log.contains("ended"), "{log}");
    assert!(!log.contains("绝密"), "{log}");
}
