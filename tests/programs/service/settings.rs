//! Settings of a service: the configuration file, and what changes while the daemon runs.

use gte_tests::wait_until;

use super::user::{configure, installed, score, status, wait_for_state};

#[test]
fn a_changed_file_is_reread_while_the_daemon_runs() {
    let Some(user) = installed() else {
        return;
    };
    score(&user).success();
    let pid = status(&user)["pid"].clone();
    configure(&user, "treads = 3");
    user.systemctl(&["reload", "gted.service"]).success();
    assert_eq!(user.property("gted.service", "ActiveState"), "active");
    configure(&user, "threads = 3\nidle_exit = \"3s\"");
    assert_eq!(status(&user)["pid"], pid);
    user.systemctl(&["reload", "gted.service"]).success();
    wait_for_state(&user, "inactive");
    // The other setting needed a new process.
    score(&user).success();
    assert_eq!(status(&user)["threads"], 3);
}

#[test]
fn an_idle_model_is_unloaded_and_loaded_again() {
    let Some(user) = installed() else {
        return;
    };
    configure(&user, "idle_unload = \"3s\"");
    let before = score(&user).success();
    let loaded = status(&user)["resident_bytes"].as_u64().expect("bytes");
    wait_until("the model to be unloaded", || {
        user.property("gted.service", "StatusText")
            .contains("unloaded")
    });
    let now = status(&user);
    assert!(
        now["resident_bytes"].as_u64().expect("bytes") < loaded,
        "{now}"
    );
    assert_eq!(score(&user).success(), before);
    assert_eq!(status(&user)["pid"], now["pid"]);
}

#[test]
fn vectors_outlast_the_service() {
    let Some(user) = installed() else {
        return;
    };
    configure(&user, "disk_cache = \"64MiB\"");
    let before = score(&user).success();
    user.systemctl(&["stop", "gted.service"]).success();
    assert_eq!(score(&user).success(), before);
    let disk_cache = &status(&user)["disk_cache"];
    assert_eq!(disk_cache["hits"], 2, "{disk_cache}");
    assert_eq!(disk_cache["faults"], 0, "{disk_cache}");
}

#[test]
fn the_service_manager_knows_the_state() {
    let Some(user) = installed() else {
        return;
    };
    score(&user).success();
    wait_until("the state of the daemon", || {
        let text = user.property("gted.service", "StatusText");
        text.contains("bge-small-zh-v1.5") && text.contains("texts pending")
    });
}
