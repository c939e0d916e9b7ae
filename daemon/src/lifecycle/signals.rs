//! The signals that end the daemon.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM, SIGINT and SIGHUP (the end of the terminal), caught from the creation of this value on.
#[derive(Debug)]
pub(crate) struct Termination {
    terminate: Signal,
    interrupt: Signal,
    /// `None` if the signal was ignored at the start, as nohup(1) wants it.
    hang_up: Option<Signal>,
}

impl Termination {
    /// Begins to catch the signals.
    ///
    /// # Errors
    ///
    /// If the system refuses to register a signal handler.
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: if is_ignored(SignalKind::hangup()) {
                None
            } else {
                Some(signal(SignalKind::hangup())?)
            },
        })
    }

    /// Waits for the next signal and returns its name.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            () = receive(self.hang_up.as_mut()) => "SIGHUP",
        }
    }
}

/// Waits for a signal; for ever without one.
async fn receive(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Returns true if the process ignores a signal: `SigIgn` of `/proc/self/status` has a bit for each
/// (proc_pid_status(5)).
fn is_ignored(signal: SignalKind) -> bool {
    let ignored = std::fs::read_to_string("/proc/self/status").ok();
    let ignored = ignored.as_deref().and_then(|status| {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(line.trim(), 16).ok()
    });
    // Without the file, the signal is caught.
    ignored.unwrap_or(0) >> (signal.as_raw_value() - 1) & 1 == 1
}
