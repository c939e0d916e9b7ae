//! How a daemon ends: what runs is finished, the socket goes, exit 0.

use std::io::{BufRead, BufReader, Read, Write};

use gte_tests::{Daemon, Place, wait_until};
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
        let place = Place::default();
        let mut daemon = Daemon::start(&place, &["-v"]);
        let mut busy = daemon.connect(&place);
        busy.write_all(long_request().as_bytes())
            .expect("a request can be sent");
        // Once this later request has been answered, the one before has been taken on.
        let mut idle = daemon.connect(&place);
        idle.write_all(b"{\"command\":\"status\"}\n")
            .expect("a request can be sent");
        let mut idle = BufReader::new(idle);
        wait_until("64 texts at work", || {
            let mut status = String::new();
            idle.read_line(&mut status).expect("a reply comes");
            idle.get_mut()
                .write_all(b"{\"command\":\"status\"}\n")
                .expect("a request can be sent");
            status.contains("\"texts_in_hand\":64")
        });
        daemon.signal(signal);
        let mut reply = String::new();
        busy.read_to_string(&mut reply)
            .expect("the reply comes, then the end");
        let reply: serde_json::Value = serde_json::from_str(&reply).expect("a whole reply");
        assert_eq!(reply["results"].as_array().map(Vec::len), Some(64));
        assert_eq!(daemon.wait().code(), Some(0));
        assert!(!place.socket().exists());
    }
}

#[test]
fn a_silent_client_holds_nothing_up() {
    let place = Place::default();
    let mut daemon = Daemon::start(&place, &[]);
    let mut silent = daemon.connect(&place);
    let mut half = daemon.connect(&place);
    half.write_all(b"GTE1\x20\x00")
        .expect("half a frame can be sent");
    let mut half_line = daemon.connect(&place);
    half_line
        .write_all(b"{\"a\":")
        .expect("half a line can be sent");
    place.run(&["sim", "甲", "乙"]).success();
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait().code(), Some(0));
    let mut rest = Vec::new();
    assert_eq!(silent.read_to_end(&mut rest).expect("the end comes"), 0);
}

#[test]
fn a_client_can_ask_for_the_end() {
    let place = Place::default();
    let mut daemon = Daemon::start(&place, &[]);
    place.run(&["stop"]).success();
    assert_eq!(daemon.wait().code(), Some(0));
    assert!(!place.socket().exists());
    let log = daemon.rest_of_log().join("\n");
    assert!(log.contains("ended"), "{log}");
}

#[test]
fn a_stop_has_ended_the_daemon_when_it_returns() {
    let place = Place::default();
    for _ in 0..5 {
        place.run(&["sim", "甲", "乙"]).success();
        place.run(&["stop"]).success();
        // By hand, so that nothing tries again: the lock must be free.
        let daemon = Daemon::start(&place, &[]);
        place.run(&["stop"]).success();
        drop(daemon);
    }
}

#[test]
fn no_text_is_ever_logged() {
    let place = Place::default();
    let mut daemon = Daemon::start(&place, &["-v"]);
    let secret = "绝密内容";
    place.run(&["sim", secret, secret]).success();
    let mut stream = daemon.connect(&place);
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
