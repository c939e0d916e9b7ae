//! Messages on stderr while a command runs. A closed stderr does not stop the command.

use std::fmt::Display;
use std::io::{self, Write};

/// Prints a message.
pub(super) fn say(message: impl Display) {
    drop(writeln!(io::stderr(), "gted: {message}"));
}

/// Prints an error and, if there is one, its hint.
pub(super) fn warn(error: impl Display, hint: Option<&str>) {
    say(error);
    if let Some(hint) = hint {
        drop(writeln!(io::stderr(), "hint: {hint}"));
    }
}
