//! Messages of `gted` on stderr while a command runs.

use std::fmt::Display;

use gte_shared::output::print_message;

/// Prints a message.
pub(super) fn say(message: impl Display) {
    print_message("gted", message, None);
}

/// Prints an error that does not end the command, and its hint if there is one.
pub(super) fn warn(error: impl Display, hint: Option<&str>) {
    print_message("gted", error, hint);
}
