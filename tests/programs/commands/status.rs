//! `gte status` and `gte stop`.

use std::io::{BufRead, BufReader};

use gte_tests::{GOLDEN_A, GOLDEN_B, Sandbox};

#[test]
fn status_and_stop_start_no_daemon() {
    let sandbox = Sandbox::default();
    let status = sandbox.run(&["status"]);
    assert_eq!(status.code(), Some(1));
    assert!(status.stderr.contains("no daemon is running"), "{status:?}");
    let stop = sandbox.run(&["stop", "--json"]).json();
    assert_eq!(stop["stopped"], false);
    assert!(!sandbox.socket().exists());
}

#[test]
fn status_describes_the_running_daemon() {
    let sandbox = Sandbox::default();
    sandbox.run(&["sim", GOLDEN_A, GOLDEN_B]).success();
    let status = sandbox.run(&["status", "--json"]).json();
    assert_eq!(status["model"]["id"], "bge-small-zh-v1.5");
    assert_eq!(status["texts"], 2);
    assert!(status["resident_bytes"].as_u64().unwrap() > 1_000_000);
    let plain = sandbox.run(&["status"]).success();
    assert!(plain.contains("model\tbge-small-zh-v1.5\n"), "{plain}");
}

#[test]
fn status_measures_requests_and_cache() {
    let sandbox = Sandbox::default();
    for _ in 0..2 {
        sandbox.run(&["sim", GOLDEN_A, GOLDEN_B]).success();
    }
    let status = sandbox.run(&["status", "--json"]).json();
    assert_eq!(status["state"], "ready");
    assert_eq!(status["cache"]["hits"], 2);
    assert_eq!(status["cache"]["misses"], 2);
    assert_eq!(status["cache"]["texts"], 2);
    let latency = &status["latency"];
    assert_eq!(latency["requests"], 2);
    assert!(latency["max_micros"].as_u64() > latency["p50_micros"].as_u64());
    assert!(status["texts_per_second"].as_f64().unwrap() > 0.0);
}

#[test]
fn watch_prints_the_state_again_and_again() {
    let sandbox = Sandbox::default();
    let mut watch = sandbox.gte(&["status", "--watch", "--json"]);
    let mut watch = watch.spawn().expect("gte can be started");
    let stdout = BufReader::new(watch.stdout.take().expect("stdout is piped"));
    let mut states = stdout.lines().map(|line| -> serde_json::Value {
        let line = line.expect("a line can be read");
        serde_json::from_str(&line).expect("it is JSON")
    });
    let mut wait_for = |state: &str| {
        let found = states.find(|line| line["state"] == state);
        assert!(found.is_some(), "{state}");
    };
    wait_for("stopped");
    sandbox.run(&["sim", GOLDEN_A, GOLDEN_B]).success();
    wait_for("ready");
    sandbox.run(&["stop"]).success();
    wait_for("stopped");
    watch.kill().expect("it runs");
    watch.wait().expect("it has ended");
}

#[test]
fn stop_says_that_it_stopped_a_daemon() {
    let sandbox = Sandbox::default();
    sandbox.run(&["sim", GOLDEN_A, GOLDEN_B]).success();
    assert_eq!(sandbox.run(&["stop", "--json"]).json()["stopped"], true);
    assert!(!sandbox.socket().exists());
}
