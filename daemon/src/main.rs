//! `gted`, the resident daemon.

use std::process::ExitCode;

fn main() -> ExitCode {
    gte_daemon::command::main()
}
