//! How a daemon ends: what runs is finished, the socket goes, exit 0.

use std::io::{BufRead, BufReader, Read, Write};

use gte_tests::{Daemon, Sandbox, wait_until};
use rustix::process::Signal;

/// A request that keeps the daemon busy for a while.
fn long_request() -> String {
    let texts: Vec<String> = (0..64)
        .map(|n| format!("{n}{}", "长".repeat(100)))
        .collect();
    serde_json::json!({ "texts": texts }).to_string() + "\n"
}

#[test]
fn signals_let_what_runs_finish() {
    for signal in [Signal::TERM, Signal::INT] {
        let sandbox = Sandbox::default();
        let mut daemon = Daemon::start(&sandbox, &["-v"]);
        let mut busy = daemon.connect(&sandbox);
        busy.write_all(long_request().as_bytes())
            .expect("a request can be sent");
        // Once this later request has been answered, the one before has been taken on.
        let mut idle = daemon.connect(&sandbox);
        idle.write_all(b"{\"command\":\"status\"}\n")
            .expect("a request can be sent");
        let mut idle = BufReader::new(idle);
        wait_until("64 texts at work", || {
            let mut status = String::new();
            idle.read_line(&mut status).expect("a reply comes");
            idle.get_mut()
                .write_all(b"{\"command\":\"status\"}\n")
                .expect("a request can be sent");
            status.contains("\"pending_texts\":64")
        });
        daemon.signal(signal);
        let mut reply = String::new();
        busy.read_to_string(&mut reply)
            .expect("the reply comes, then the end");
        let reply: serde_json::Value = serde_json::from_str(&reply).expect("a whole reply");
        assert_eq!(reply["results"].as_array().map(Vec::len), Some(64));
        assert_eq!(daemon.wait().code(), Some(0));
        assert!(!sandbox.socket().exists());
    }
}

#[test]
fn a_silent_client_holds_nothing_up() {
    let sandbox = Sandbox::default();
    let mut daemon = Daemon::start(&sandbox, &[]);
    let mut silent = daemon.connect(&sandbox);
    let mut half = daemon.connect(&sandbox);
    half.write_all(b"GTE1\x20\x00")
        .expect("half a frame can be sent");
    let mut half_line = daemon.connect(&sandbox);
    half_line
        .write_all(b"{\"a\":")
        .expect("half a line can be sent");
    sandbox.run(&["sim", "甲", "乙"]).success();
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait().code(), Some(0));
    let mut rest = Vec::new();
    assert_eq!(silent.read_to_end(&mut rest).expect("the end comes"), 0);
}

#[test]
fn a_client_can_ask_for_the_end() {
    let sandbox = Sandbox::default();
    let mut daemon = Daemon::start(&sandbox, &[]);
    sandbox.run(&["stop"]).success();
    assert_eq!(daemon.wait().code(), Some(0));
    assert!(!sandbox.socket().exists());
    let log = daemon.rest_of_log().join("\n");
    assert!(log.contains("ended"), "{log}");
}

#[test]
fn a_stop_has_ended_the_daemon_when_it_returns() {
    let sandbox = Sandbox::default();
    for _ in 0..5 {
        sandbox.run(&["sim", "甲", "乙"]).success();
        sandbox.run(&["stop"]).success();
        // By hand, so that nothing tries again: the lock must be free.
        let daemon = Daemon::start(&sandbox, &[]);
        sandbox.run(&["stop"]).success();
        drop(daemon);
    }
}

#[test]
fn no_text_is_ever_logged() {
    let sandbox = Sandbox::default();
    let mut daemon = Daemon::start(&sandbox, &["-v"]);
    let secret = "绝密内容";
    sandbox.run(&["sim", secret, secret]).success();
    let mut stream = daemon.connect(&sandbox);
    for line in [
        format!("{{\"a\":\"{secret}\"}}\n"),
        format!("{{\"{secret}\":1}}\n"),
        format!("{{\"texts\":[\"{secret}\",\" \"]}}\n"),
        format!("{{\"a\":{secret}}}\n"),
    ] {
        stream
            .write_all(line.as_bytes())
            .expect("a request can be sent");
    }
    stream
        .shutdown(std::net::Shutdown::Write)
        .expect("one side can be closed");
    let mut replies = String::new();
    stream
        .read_to_string(&mut replies)
        .expect("replies come, then the end");
    assert_eq!(replies.matches("\"error\"").count(), 4, "{replies}");
    assert!(!replies.contains("绝密"), "{replies}");
    daemon.signal(Signal::TERM);
    daemon.wait();
    let log = daemon.rest_of_log().join("\n");
    assert!(log.contains("ended"), "{log}");
    assert!(!log.contains("绝密"), "{log}");
}
