//! Command line of the program. (This test also makes cargo build the program for the tests of
//! both.)

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::process::Command;

/// Runs `gted`. Returns its exit code and stdout.
fn gted(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_gted"))
        .args(arguments)
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

#[test]
fn version_is_printed() {
    assert_eq!(
        gted(&["--version"]),
        (Some(0), format!("gted {}\n", gte_shared::VERSION))
    );
}

#[test]
fn help_of_serve_lists_its_options() {
    let (code, help) = gted(&["serve", "--help"]);
    assert_eq!(code, Some(0));
    for option in ["--socket", "--model", "--threads"] {
        assert!(help.contains(option), "{help}");
    }
}

#[test]
fn wrong_arguments_exit_with_2() {
    assert_eq!(gted(&[]).0, Some(2));
    assert_eq!(gted(&["serve", "--threads", "0"]).0, Some(2));
}
