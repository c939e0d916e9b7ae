//! `gte status` and `gte stop`.

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
fn stop_says_that_it_stopped_a_daemon() {
    let sandbox = Sandbox::default();
    sandbox.run(&["sim", GOLDEN_A, GOLDEN_B]).success();
    assert_eq!(sandbox.run(&["stop", "--json"]).json()["stopped"], true);
    assert!(!sandbox.socket().exists());
}
