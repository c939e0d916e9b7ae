//! Signals that end the screen.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::app::Action;

/// Catches SIGTERM, SIGINT and SIGHUP; the future reports the first of them.
///
/// A signal leaves the screen as Esc does, so that the terminal is restored.
pub(super) fn end_on_signals(
    action_tx: mpsc::UnboundedSender<Action>,
) -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hang_up.recv() => {}
        }
        // The send fails once the screen is left.
        drop(action_tx.send(Action::End));
    })
}
