//! Settings: `gted config`, the configuration file, and variables of the environment.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use gte_tests::{Daemon, GOLDEN_A, GOLDEN_B, Output, Sandbox, gted};
use serde_json::Value;

/// Writes the configuration file of a sandbox.
fn configure(sandbox: &Sandbox, settings: &str) {
    let path = config_file(sandbox);
    fs::create_dir_all(path.parent().expect("it has one")).expect("a folder can be made");
    fs::write(path, settings).expect("a file can be written");
}

fn config_file(sandbox: &Sandbox) -> PathBuf {
    sandbox.path().join(".config/gte/config.toml")
}

/// Value and source of a setting, as `gted config` prints them.
fn setting(sandbox: &Sandbox, key: &str, variables: &[(&str, &str)]) -> (Value, Value) {
    let mut command = sandbox.command(gted());
    let command = command
        .args(["config", "--json"])
        .envs(variables.iter().copied());
    let rows = Output::of(command).json_lines();
    let row = rows
        .iter()
        .find(|row| row["key"] == key)
        .expect("it is printed");
    (row["value"].clone(), row["source"].clone())
}

#[test]
fn config_prints_values_and_their_sources() {
    let sandbox = Sandbox::default();
    let default = (Value::Null, "default".into());
    assert_eq!(setting(&sandbox, "threads", &[]), default);
    configure(&sandbox, "threads = 3\nidle_exit = \"5m\"\nlang = \"en\"");
    assert_eq!(
        setting(&sandbox, "threads", &[]),
        ("3".into(), "file".into())
    );
    assert_eq!(setting(&sandbox, "lang", &[]), ("en".into(), "file".into()));
    let variables = [("GTE_THREADS", "2")];
    let from_environment = ("2".into(), "environment".into());
    assert_eq!(setting(&sandbox, "threads", &variables), from_environment);
    let plain = sandbox.gted(&["config"]);
    assert!(plain.stdout.contains("idle_exit\t5m\tfile\n"), "{plain:?}");
    assert!(plain.stderr.contains("config.toml"), "{plain:?}");
    let socket = format!("socket\t{}\tenvironment\n", sandbox.socket().display());
    assert!(plain.stdout.contains(&socket), "{plain:?}");
}

#[test]
fn a_faulty_file_is_named_by_every_program() {
    let sandbox = Sandbox::default();
    configure(&sandbox, "# mine\nidle-exit = \"5m\"\n");
    for output in [
        sandbox.run(&["sim", "a", "b"]),
        sandbox.gted(&["config"]),
        sandbox.gted(&["use", "bge-small-zh-v1.5"]),
    ] {
        assert_eq!(output.code(), Some(2), "{output:?}");
        assert!(
            output
                .stderr
                .contains("config.toml: unknown key `idle-exit`"),
            "{output:?}"
        );
        assert!(
            output.stderr.contains("hint: did you mean `idle_exit`?"),
            "{output:?}"
        );
    }
    assert_eq!(sandbox.gted(&["serve"]).code(), Some(4));
    // The commands that need no settings work.
    sandbox.gted(&["models"]).success();
    sandbox.run(&["completions", "bash"]).success();
}

#[test]
fn the_programs_follow_the_file() {
    let sandbox = Sandbox::default();
    configure(
        &sandbox,
        "threads = 1\nprecision = \"f32\"\njson = true\nstart = false",
    );
    let refused = sandbox.run(&["sim", GOLDEN_A, GOLDEN_B]);
    assert!(
        refused.stderr.contains("no daemon is running"),
        "{refused:?}"
    );
    let _daemon = Daemon::start(&sandbox, &["--threads", "2"]);
    let status = sandbox.run(&["status"]).json();
    assert_eq!(status["threads"], 2, "the option goes before the file");
    assert_eq!(status["model"]["precision"], "f32");
    let scored = sandbox.run(&["sim", GOLDEN_A, GOLDEN_B]).json();
    assert!(scored["similarity"].is_number());
}

#[test]
fn edit_opens_a_file_that_explains_the_settings() {
    let sandbox = Sandbox::default();
    let edit = |editor: &str| {
        let mut command = sandbox.command(gted());
        Output::of(command.args(["config", "--edit"]).env("EDITOR", editor))
    };
    edit("true").success();
    let text = fs::read_to_string(config_file(&sandbox)).expect("it was made");
    assert!(text.contains("# idle_exit = "), "{text}");
    // An editor with an option, as many people have it.
    let output = edit("sed -i 's/^# threads = .*/threads = 2/'");
    assert!(output.stderr.contains("SIGHUP"), "{output:?}");
    output.success();
    assert_eq!(setting(&sandbox, "threads", &[]).0, "2");
    let faulty = edit("sed -i 's/^threads/treads/'");
    assert_eq!(faulty.code(), Some(2), "{faulty:?}");
    assert!(
        faulty.stderr.contains("did you mean `threads`?"),
        "{faulty:?}"
    );
    let failed = edit("false");
    assert_eq!(failed.code(), Some(1), "{failed:?}");
    assert!(
        failed.stderr.contains("the editor `false` failed"),
        "{failed:?}"
    );
}

#[test]
fn sighup_says_what_took_effect_and_what_did_not() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &["--idle-unload", "1h"]);
    configure(
        &sandbox,
        "threads = 3\ndrain_timeout = \"9s\"\nverbose = true\nidle_unload = \"1s\"",
    );
    daemon.signal(rustix::process::Signal::HUP);
    let line = daemon.wait_for("configuration reread");
    assert!(
        line.contains("drain_timeout = 9s, verbose = true"),
        "{line}"
    );
    assert!(line.contains("threads = 3"), "{line}");
    assert!(
        !line.contains("idle_unload"),
        "the option goes before the file: {line}"
    );
    sandbox.run(&["sim", "a", "b"]).success();
    daemon.wait_for("request answered");
    configure(&sandbox, "threads = ");
    daemon.signal(rustix::process::Signal::HUP);
    let line = daemon.wait_for("configuration not reread");
    assert!(line.contains("is not TOML"), "{line}");
}

#[test]
fn a_home_of_another_user_has_no_settings() {
    if !rustix::process::getuid().is_root() {
        eprintln!("NOT RUN: a program of another user, which only root can start");
        return;
    }
    let sandbox = Sandbox::default();
    configure(&sandbox, "lang = \"xx\"");
    let theirs = sandbox.path().join("gted");
    fs::copy(gted(), &theirs).expect("a file can be copied");
    let mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode));
    mode(sandbox.path(), 0o755).expect("it is ours");
    let folder = sandbox.path().join(".config/gte");
    let run = || {
        Output::of(
            sandbox
                .command(&theirs)
                .arg("config")
                .uid(12_345)
                .gid(12_345),
        )
    };
    // A file that this user can see is theirs to mend, whether they can read it or not.
    mode(&config_file(&sandbox), 0o600).expect("it is ours");
    let refused = run();
    assert_eq!(refused.code(), Some(2), "{refused:?}");
    assert!(refused.stderr.contains("Permission denied"), "{refused:?}");
    mode(&folder, 0o700).expect("it is ours");
    run().success();
}
