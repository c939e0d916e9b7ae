//! A user who has installed the service.

use gte_tests::{GOLDEN_A, GOLDEN_B, Output, ServiceUser, wait_until};
use serde_json::Value;

pub(super) const PAIR: [&str; 4] = ["gte", "sim", GOLDEN_A, GOLDEN_B];

/// A user who has installed the service; `None` without a service manager.
pub(super) fn installed() -> Option<ServiceUser> {
    installed_with("")
}

/// A user who has installed the service with these settings.
pub(super) fn installed_with(settings: &str) -> Option<ServiceUser> {
    let user = ServiceUser::start()?;
    configure(&user, settings);
    user.run(&["gted", "install", "--now"]).success();
    Some(user)
}

/// Texts of a long job, a line each.
pub(super) fn write_texts(user: &ServiceUser, count: usize, characters: usize) {
    let texts: Vec<String> = (0..count)
        .map(|n| format!("{n}{}", "\u{957f}".repeat(characters)))
        .collect();
    std::fs::write(user.home().join("texts"), texts.join("\n")).expect("a file can be written");
}

/// Scores the pair of the golden test.
pub(super) fn score(user: &ServiceUser) -> Output {
    user.run(&PAIR)
}

/// Settings of the user's daemon.
pub(super) fn configure(user: &ServiceUser, settings: &str) {
    let folder = user.home().join(".config/gte");
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    std::fs::write(folder.join("config.toml"), settings).expect("a file can be written");
}

/// State of the user's daemon.
pub(super) fn status(user: &ServiceUser) -> Value {
    user.run(&["gte", "status", "--json"]).json()
}

/// Waits until the service is in a state, such as `inactive`.
pub(super) fn wait_for_state(user: &ServiceUser, state: &str) {
    wait_until(&format!("a service that is {state}"), || {
        user.property("gted.service", "ActiveState") == state
    });
}
