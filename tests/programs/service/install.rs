//! `gted install` and `gted uninstall`.

use std::os::unix::fs::PermissionsExt;

use gte_tests::{Sandbox, ServiceUser, has_golden_score};

use super::user::{installed, score, status};

#[test]
fn install_and_uninstall_leave_what_they_found() {
    let Some(user) = ServiceUser::start() else {
        return;
    };
    // A daemon that a client has started makes way.
    score(&user).success();
    let before = status(&user);
    assert_eq!(before["detached"], true);
    let output = user.run(&["gted", "install", "--now"]).success();
    assert!(output.contains("listens at"), "{output}");
    assert!(has_golden_score(&score(&user).success()));
    let now = status(&user);
    assert_eq!(now["detached"], false);
    assert_ne!(now["pid"], before["pid"]);
    let main = user.property("gted.service", "MainPID");
    assert_eq!(now["pid"].to_string(), main);
    let mode = |path: &std::path::Path| {
        let metadata = std::fs::metadata(path).expect("it exists");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(&user.socket()), 0o600);
    assert_eq!(mode(user.socket().parent().expect("it has one")), 0o700);

    // Again, as after an upgrade.
    user.run(&["gted", "install", "--now"]).success();
    assert!(has_golden_score(&score(&user).success()));

    let output = user.run(&["gted", "uninstall"]).success();
    assert_eq!(output.matches("removed").count(), 2, "{output}");
    assert_eq!(user.property("gted.socket", "LoadState"), "not-found");
    let units = user.home().join(".config/systemd/user");
    let left: Vec<_> = walk(&units);
    assert!(left.is_empty(), "{left:?}");
    let again = user.run(&["gted", "uninstall"]).success();
    assert!(again.contains("nothing is installed"), "{again}");
    // The client starts the daemon as before.
    score(&user).success();
    assert_eq!(status(&user)["detached"], true);
    user.run(&["gte", "stop"]).success();
}

/// Files under a folder.
fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("it exists").flatten();
    let mut files = Vec::new();
    for entry in entries {
        if entry.file_type().expect("it has one").is_dir() {
            files.extend(walk(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files
}

#[test]
fn units_of_the_user_are_not_overwritten() {
    let Some(user) = installed() else {
        return;
    };
    let unit = user.home().join(".config/systemd/user/gted.service");
    std::fs::write(&unit, "[Service]\nExecStart=true\n").expect("a file can be written");
    for command in ["install", "uninstall"] {
        let refused = user.run(&["gted", command]);
        assert_eq!(refused.code(), Some(1), "{refused:?}");
        let words = "was not written by gted install";
        assert!(refused.stderr.contains(words), "{refused:?}");
    }
}

#[test]
fn without_a_service_manager_nothing_is_written() {
    let sandbox = Sandbox::default();
    let refused = sandbox.gted(&["install"]);
    assert_eq!(refused.code(), Some(1), "{refused:?}");
    assert!(refused.stderr.contains("hint: "), "{refused:?}");
    assert!(!sandbox.path().join(".config").exists());
}

#[test]
fn the_units_are_valid() {
    let Some(user) = installed() else {
        return;
    };
    let units = ["gted.service", "gted.socket"];
    let verify = [&["systemd-analyze", "--user", "verify"], &units[..]].concat();
    let verified = user.run(&verify);
    let ours = verified.stderr.lines().find(|line| line.contains("gted"));
    assert_eq!(ours, None, "{verified:?}");
    let security = [
        "systemd-analyze",
        "--user",
        "security",
        "--no-pager",
        "gted.service",
    ];
    let security = user.run(&security).success();
    assert!(security.contains("OK"), "{security}");
}
