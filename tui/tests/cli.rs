//! The program's own command line. (This test also has cargo build the program for the tests of both.)

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::process::Command;

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
fn version_and_help_are_told() {
    assert_eq!(
        gte(&["--version"]),
        (Some(0), format!("gte {}\n", gte_shared::VERSION))
    );
    let (code, help) = gte(&["--help"]);
    assert_eq!(code, Some(0));
    for command in ["sim", "batch", "rank", "embed", "status", "stop"] {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
    }
    assert_eq!(gte(&["--nonsense"]).0, Some(2));
}
