//! Command line of the program. (This test also makes cargo build the program for the tests of
//! both.)

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::process::Command;

/// Runs `gte`. Returns its exit code and stdout.
fn gte(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_gte"))
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
        gte(&["--version"]),
        (Some(0), format!("gte {}\n", gte_shared::VERSION))
    );
}

#[test]
fn help_lists_the_commands() {
    let (code, help) = gte(&["--help"]);
    assert_eq!(code, Some(0));
    for command in ["sim", "batch", "rank", "embed", "status", "stop"] {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
    }
}

#[test]
fn wrong_arguments_exit_with_2() {
    assert_eq!(gte(&["--nonsense"]).0, Some(2));
}
