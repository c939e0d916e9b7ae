//! The signals of the daemon.

use std::io;

use rustix::fs::{Mode, OFlags};
use tokio::signal::unix::{self, SignalKind, signal};

/// A signal, by what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// The end of the daemon; the name of the signal.
    End(&'static str),
    /// Rereading of the configuration.
    Reload,
}

/// SIGTERM, SIGINT and SIGHUP, caught from the creation of this value on.
///
/// SIGHUP says either that the terminal of the daemon has ended, or that its configuration is to be
/// reread, as service managers and people ask it (systemd.service(5), `ExecReload=`).
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
    /// `None` if the signal was ignored at the start, as nohup(1) wants it.
    hang_up: Option<unix::Signal>,
    /// True if the process was started with a terminal.
    had_terminal: bool,
}

impl Signals {
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
            had_terminal: has_terminal(),
        })
    }

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::End("SIGTERM"),
            _ = self.interrupt.recv() => Signal::End("SIGINT"),
            () = receive(self.hang_up.as_mut()) => {
                if self.had_terminal && !has_terminal() {
                    Signal::End("SIGHUP")
                } else {
                    Signal::Reload
                }
            }
        }
    }
}

/// Returns true if the process has a controlling terminal: once that has ended, it cannot be opened
/// any more (tty(4), `ENXIO`).
fn has_terminal() -> bool {
    let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::open("/dev/tty", flags, Mode::empty()).is_ok()
}

/// Waits for a signal; for ever without one.
async fn receive(signal: Option<&mut unix::Signal>) {
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
