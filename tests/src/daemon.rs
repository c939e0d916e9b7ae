//! A daemon started by hand.

use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use crate::sandbox::{Sandbox, gted, spawn};
use crate::wait::{PATIENCE, wait_for};

/// A running `gted serve`, killed at the end of the test if it still runs.
pub struct Daemon {
    child: Child,
    log: mpsc::Receiver<String>,
}

impl Daemon {
    /// Starts it in a sandbox and waits until it is ready.
    #[must_use]
    pub fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let mut command = sandbox.command(gted());
        command.arg("serve").args(arguments).stdout(Stdio::null());
        let mut child = spawn(&mut command);
        let stderr = child.stderr.take().expect("stderr is piped");
        let (sender, log) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let daemon = Self { child, log };
        daemon.wait_for("ready");
        daemon
    }

    /// Waits for a line with `words` in the log and returns it.
    pub fn wait_for(&self, words: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut before = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.log.recv_timeout(left) {
                Ok(line) if line.contains(words) => return line,
                Ok(line) => before.push(line),
                Err(error) => panic!("no {words:?} in the log ({error}): {before:#?}"),
            }
        }
    }

    /// All lines of the log from here to its end, which must come.
    #[must_use]
    pub fn rest_of_log(&self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Ok(line) = self.log.recv_timeout(PATIENCE) {
            lines.push(line);
        }
        lines
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the daemon can be sent a signal");
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        wait_for("the end of the daemon", || {
            self.child.try_wait().expect("the daemon can be waited for")
        })
    }

    /// A raw connection to it, whose reads give up in the end.
    #[must_use]
    pub fn connect(&self, sandbox: &Sandbox) -> UnixStream {
        let stream = UnixStream::connect(sandbox.socket()).expect("the daemon can be connected to");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a socket has a timeout");
        stream
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
