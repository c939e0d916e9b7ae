//! A daemon that the test starts itself.

use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use crate::json::JsonConnection;
use crate::sandbox::{Sandbox, gted, spawn};
use crate::wait::{TEST_TIMEOUT, wait_for, wait_until};

/// A `gted serve` process. Dropping it kills the process.
pub struct Daemon {
    child: Child,
    log: mpsc::Receiver<String>,
}

impl Daemon {
    /// Starts `gted serve` in a sandbox and waits until its log says that it is ready.
    #[must_use]
    pub fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let daemon = Self::spawn(sandbox, arguments);
        daemon.wait_for("ready");
        daemon
    }

    /// Starts `gted serve` with HTTP at a free port; returns its address as well.
    #[must_use]
    pub fn start_http(sandbox: &Sandbox, arguments: &[&str]) -> (Self, String) {
        let daemon = Self::spawn(sandbox, &[&["--http", "127.0.0.1:0"], arguments].concat());
        let address = daemon.http_address();
        daemon.wait_for("ready");
        (daemon, address)
    }

    /// Address at which the daemon serves HTTP, from the line that says so.
    #[must_use]
    pub fn http_address(&self) -> String {
        let line = self.wait_for("serving http");
        let (_, address) = line.split_once("://").expect("an address");
        address.trim().to_owned()
    }

    /// Starts `gted serve` in a sandbox.
    #[must_use]
    pub fn spawn(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let mut command = sandbox.command(gted());
        command.arg("serve").args(arguments).stdout(Stdio::null());
        Self::of(&mut command)
    }

    /// Starts a command that is a daemon, and reads its log from stderr.
    #[must_use]
    pub fn of(command: &mut Command) -> Self {
        let mut child = spawn(command.stderr(Stdio::piped()));
        let stderr = child.stderr.take().expect("stderr is piped");
        let (sender, log) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, log }
    }

    /// Waits for a log line that contains `words`, and returns it. Earlier lines are consumed.
    pub fn wait_for(&self, words: &str) -> String {
        let deadline = Instant::now() + TEST_TIMEOUT;
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

    /// Remaining lines of the log. Returns once the daemon has closed it.
    #[must_use]
    pub fn rest_of_log(&self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Ok(line) = self.log.recv_timeout(TEST_TIMEOUT) {
            lines.push(line);
        }
        lines
    }

    /// Process id of the daemon.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends a signal to the daemon.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the daemon can be sent a signal");
    }

    /// Suspends the daemon, and returns once each of its threads is (state T, proc(5)).
    pub fn suspend(&self) {
        self.signal(Signal::STOP);
        let threads = format!("/proc/{}/task", self.pid().as_raw_nonzero());
        wait_until("the threads to be suspended", || {
            let threads = std::fs::read_dir(&threads).expect("the daemon has threads");
            let mut states = threads.map(|thread| {
                let stat = thread.expect("a thread").path().join("stat");
                std::fs::read_to_string(stat).expect("a thread has a state")
            });
            states.all(|stat| stat.contains(") T "))
        });
    }

    /// Waits for the end of the process.
    pub fn wait(&mut self) -> ExitStatus {
        wait_for("the end of the daemon", || {
            self.child.try_wait().expect("the daemon can be waited for")
        })
    }

    /// Raw connection to the daemon. Its reads fail after [`TEST_TIMEOUT`].
    #[must_use]
    pub fn connect(&self, sandbox: &Sandbox) -> UnixStream {
        let stream = UnixStream::connect(sandbox.socket()).expect("the daemon can be connected to");
        stream
            .set_read_timeout(Some(TEST_TIMEOUT))
            .expect("a socket has a timeout");
        stream
    }

    /// Connection in the JSON protocol.
    #[must_use]
    pub fn connect_json(&self, sandbox: &Sandbox) -> JsonConnection {
        JsonConnection::new(self.connect(sandbox))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Both fail if the process has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
