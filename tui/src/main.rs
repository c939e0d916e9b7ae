//! `gte`, the terminal program: the screen, and the commands for scripts.

use std::process::ExitCode;

fn main() -> ExitCode {
    gte_tui::cli::main()
}
