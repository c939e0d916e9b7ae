//! Automatic start of the daemon.
//!
//! A client that finds neither a daemon nor the lock of one starts a daemon. Several clients may do
//! so at the same moment: the lock decides which daemon stays, and the others exit with
//! [`EXIT_ALREADY_RUNNING`] before they load anything. While a daemon holds the lock without
//! listening (it has just been started, is about to end, or has lost its socket), clients wait.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::connection::Connection;
use super::error::ClientError;
use super::find::find_gted;
use super::notice::{NOTICE_AFTER, Notice};
use crate::endpoint::{AnsweringModel, Endpoint};
use crate::private_file;
use crate::version::EXIT_ALREADY_RUNNING;

/// Time until a started daemon must answer: enough to load a large model from a slow disk, and more
/// than a daemon takes to drain by default.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// Time for a daemon that has lost its socket to listen again, if the client starts none.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(2);

/// Pause between two attempts to connect to a daemon that is starting.
const POLL: Duration = Duration::from_millis(5);

/// Pause between two attempts while another process's daemon holds the lock.
pub(super) const HELD_POLL: Duration = Duration::from_millis(20);

/// Variables by which a service manager speaks to the client's own service, not to the daemon
/// (sd_notify(3), sd_listen_fds(3)).
const SERVICE_VARIABLES: [&str; 6] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "LISTEN_PID",
    "LISTEN_FDS",
    "JOURNAL_STREAM",
];

/// Size above which the log is emptied before a daemon is started: 1 MiB.
const MAX_LOG_BYTES: u64 = 1024 * 1024;

/// Most bytes of a failed daemon's log that an error quotes.
const MAX_QUOTED_BYTES: u64 = 4096;

/// Connects to the daemon at `endpoint`. If a daemon holds the socket without listening, waits for
/// it a moment. If none runs, does not connect: that would have a service manager start one.
///
/// # Errors
///
/// [`ClientError::NotRunning`] without a daemon; see [`ClientError`] for the others.
pub(super) async fn connect(endpoint: &Endpoint) -> Result<Connection, ClientError> {
    let deadline = Instant::now() + LISTEN_TIMEOUT;
    loop {
        if endpoint.is_free()? {
            return Err(ClientError::NotRunning(endpoint.path().to_owned()));
        }
        if endpoint.is_ending()? {
            // A connection to a service manager's socket would wait for the next daemon.
            if Instant::now() >= deadline {
                return Err(not_listening(endpoint));
            }
            sleep(HELD_POLL).await;
            continue;
        }
        match Connection::open(endpoint).await {
            Err(error @ (ClientError::NotRunning(_) | ClientError::Closed))
                if endpoint.is_held()? =>
            {
                if Instant::now() >= deadline {
                    return Err(match error {
                        ClientError::NotRunning(_) => not_listening(endpoint),
                        closed => closed,
                    });
                }
            }
            done => return done,
        }
        sleep(HELD_POLL).await;
    }
}

/// Connects to the daemon at `endpoint`; if none is running, starts one and waits until it answers.
///
/// # Errors
///
/// See [`ClientError`]: no `gted` found, it could not start (with its messages), or it did not
/// answer in time.
pub(super) async fn connect_or_start(
    endpoint: &Endpoint,
    notify: &(dyn Fn(&Notice) + Send + Sync),
) -> Result<Connected, ClientError> {
    let start = Instant::now();
    let mut told = false;
    let mut starts = 0;
    let mut starting: Option<Starting> = None;
    let mut crashed = None;
    loop {
        // While a daemon loads its first model, its record names the one before a crash.
        if let Some(loading) = endpoint.holder().filter(|holder| holder.loading) {
            crashed = loading.model;
        }
        match Connection::open(endpoint).await {
            // Closed: the daemon that was reached was exiting.
            Err(ClientError::NotRunning(_) | ClientError::Closed) => {}
            done => {
                if starting.is_some()
                    && let Some(reason) = endpoint.of_this_session_only()
                {
                    notify(&Notice::ThisSessionOnly(reason));
                }
                return done.map(|open| Connected { open, crashed });
            }
        }
        let waited = start.elapsed();
        if waited >= START_TIMEOUT {
            return Err(match starting {
                Some(_) => ClientError::StartTimeout(START_TIMEOUT),
                None => not_listening(endpoint),
            });
        }
        match &mut starting {
            Some(daemon) => {
                if daemon.has_exited()? {
                    starting = None;
                    sleep(HELD_POLL * starts).await;
                } else {
                    sleep(POLL).await;
                }
            }
            None if endpoint.is_held()? => {
                if waited >= NOTICE_AFTER && !told {
                    told = true;
                    notify(&Notice::waiting(endpoint));
                }
                sleep(HELD_POLL).await;
            }
            None => {
                // Nobody holds the socket: a record is what a crash has left.
                crashed = endpoint.holder().and_then(|holder| holder.model);
                starts += 1;
                starting = Some(Starting::spawn(endpoint)?);
            }
        }
    }
}

/// Error for a daemon that holds the socket without listening.
pub(super) fn not_listening(endpoint: &Endpoint) -> ClientError {
    ClientError::NotListening {
        socket: endpoint.path().to_owned(),
        pid: endpoint.holder().map(|holder| holder.pid),
    }
}

/// A connection to a daemon.
pub(super) struct Connected {
    pub(super) open: Connection,
    /// Model that answered before a crash of the former daemon, if it has crashed.
    pub(super) crashed: Option<AnsweringModel>,
}

/// A daemon that is starting. Dropping the value leaves it running.
struct Starting {
    /// `Some` until the value is dropped.
    child: Option<Child>,
    program: PathBuf,
    log: File,
    /// Offset in the log of this daemon's messages.
    log_from: u64,
}

impl Starting {
    fn spawn(endpoint: &Endpoint) -> Result<Self, ClientError> {
        endpoint.prepare_directory()?;
        // The daemon leaves this folder.
        let socket = endpoint.absolute()?;
        let program = find_gted().ok_or(ClientError::NoProgram)?;
        let failed = |source| ClientError::Spawn {
            program: program.clone(),
            source,
        };
        let (log, log_from) = open_log(&endpoint.log_path()).map_err(failed)?;
        let mut command = Command::new(&program);
        for variable in SERVICE_VARIABLES {
            command.env_remove(variable);
        }
        let child = command
            .args(["serve", "--detached", "--socket"])
            .arg(socket.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.try_clone().map_err(failed)?)
            .spawn()
            .map_err(failed)?;
        Ok(Self {
            child: Some(child),
            program,
            log,
            log_from,
        })
    }

    /// Returns true if the daemon has exited without a fault: another daemon holds the socket, or a
    /// client has stopped it.
    ///
    /// # Errors
    ///
    /// If the daemon has exited for any other reason.
    fn has_exited(&mut self) -> Result<bool, ClientError> {
        let status = self.child.as_mut().map(Child::try_wait).transpose();
        let status = status.map_err(|source| ClientError::Spawn {
            program: self.program.clone(),
            source,
        })?;
        match status.flatten() {
            None => Ok(false),
            Some(status)
                if status.success() || status.code() == Some(EXIT_ALREADY_RUNNING.into()) =>
            {
                Ok(true)
            }
            Some(status) => Err(ClientError::StartFailed {
                status,
                log: self.messages(),
            }),
        }
    }

    /// Messages of the daemon, or the reason why they cannot be read.
    fn messages(&mut self) -> String {
        let mut bytes = Vec::new();
        let read = self
            .log
            .seek(SeekFrom::Start(self.log_from))
            .and_then(|_| (&self.log).take(MAX_QUOTED_BYTES).read_to_end(&mut bytes));
        match read {
            Ok(_) => String::from_utf8_lossy(&bytes).trim_end().to_owned(),
            Err(error) => format!("(its log cannot be read: {error})"),
        }
    }
}

impl Drop for Starting {
    /// Has a thread wait for the end of the process, so that no zombie process remains.
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            std::thread::spawn(move || child.wait());
        }
    }
}

/// Opens the log for appending and returns its length.
fn open_log(path: &Path) -> io::Result<(File, u64)> {
    let log = private_file::open(OpenOptions::new().append(true).read(true), path)?;
    let mut length = log.metadata()?.len();
    if length > MAX_LOG_BYTES {
        log.set_len(0)?;
        length = 0;
    }
    Ok((log, length))
}
