//! The log: JSON, the journal, and numbers of requests.

use std::fs;

use gte_tests::{Daemon, Sandbox, gted, wait_until};
use serde_json::Value;

use crate::models::utf8;

#[test]
fn a_json_log_has_one_object_per_line() {
    let sandbox = Sandbox::default();
    let mut daemon = Daemon::start(&sandbox, &["--log-format", "json", "-v"]);
    for _ in 0..2 {
        sandbox.run(&["sim", "\u{79d8}\u{5bc6}", "b"]).success();
    }
    daemon.signal(rustix::process::Signal::TERM);
    daemon.wait();
    let lines = daemon.rest_of_log();
    assert!(
        lines.iter().all(|line| !line.contains('\u{79d8}')),
        "{lines:?}"
    );
    let events = lines
        .iter()
        .map(|line| -> Value { serde_json::from_str(line).expect("the line is JSON") });
    let answered: Vec<Value> = events
        .filter(|event| event["message"] == "request answered")
        .collect();
    assert_eq!(answered.len(), 2, "{lines:?}");
    let number = |event: &Value, name: &str| event[name].as_u64().expect("a number");
    for event in &answered {
        assert_eq!(event["level"], "DEBUG");
        assert_eq!(number(event, "texts"), 2);
        assert!(number(event, "micros") > 0);
    }
    assert!(number(&answered[1], "request") > number(&answered[0], "request"));
    assert!(number(&answered[1], "connection") > number(&answered[0], "connection"));
}

#[test]
fn lines_for_the_journal_begin_with_their_priority() {
    let sandbox = Sandbox::default();
    let log = sandbox.path().join("log");
    fs::write(&log, "").expect("a file can be written");
    // The journal names its end of stderr by device and inode.
    let script = format!(
        "JOURNAL_STREAM=$(stat -c %d:%i log) exec {} serve 2>> log",
        utf8(&gted())
    );
    let mut daemon = sandbox.command("sh");
    let mut daemon = daemon.args(["-c", &script]).spawn().expect("sh runs");
    let lines = || fs::read_to_string(&log).expect("it exists");
    wait_until("ready", || lines().contains("ready"));
    // Nobody else's terminal or file is a journal.
    fs::remove_file(sandbox.socket()).expect("a socket can be removed");
    wait_until("the warning", || lines().contains("listening again"));
    sandbox.run(&["stop"]).success();
    daemon.wait().expect("it ends");
    for line in lines().lines() {
        let priority = if line.contains("listening again") {
            "<4>"
        } else {
            "<6>"
        };
        assert!(line.starts_with(priority), "{line}");
        assert!(
            !line.contains("Z  INFO"),
            "the journal knows the time: {line}"
        );
    }
}
