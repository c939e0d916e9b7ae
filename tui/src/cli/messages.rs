//! Messages of `gte` on stderr.

use gte_shared::client::Notice;
use gte_shared::output::print_message;

/// Prints a message.
pub(super) fn say(message: &str) {
    print_message("gte", message, None);
}

/// Prints what the client has noticed about the daemon.
pub(super) fn tell(notice: &Notice) {
    say(&notice.to_string());
}
