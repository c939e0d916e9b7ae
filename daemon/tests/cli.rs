//! The program's own command line. (This test also has cargo build the program for the tests of both.)

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::process::Command;

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
fn version_and_help_are_told() {
    assert_eq!(
        gted(&["--version"]),
        (Some(0), format!("gted {}\n", gte_shared::VERSION))
    );
    let (code, help) = gted(&["serve", "--help"]);
    assert_eq!(code, Some(0));
    for option in ["--socket", "--model", "--threads"] {
        assert!(help.contains(option), "{help}");
    }
    assert_eq!(gted(&[]).0, Some(2));
    assert_eq!(gted(&["serve", "--threads", "0"]).0, Some(2));
}
