//! Automatic start of the daemon.
//!
//! Every client that finds no daemon starts one. The daemons' lock on the socket decides which of
//! them stays, and the others exit with [`EXIT_ALREADY_RUNNING`] before they load anything. Clients
//! take no lock, so a client that dies leaves none behind.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::connection::Connection;
use super::error::ClientError;
use crate::endpoint::Endpoint;
use crate::private_file;
use crate::version::EXIT_ALREADY_RUNNING;

/// Time until a started daemon must answer: enough to load a large model from a slow disk.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// Pause between two attempts to connect to a daemon that is starting.
const POLL: Duration = Duration::from_millis(5);

/// Pause before the next daemon is started after one has exited: it found the socket held by a
/// daemon that was exiting itself.
const RETRY: Duration = Duration::from_millis(50);

/// Size above which the log is emptied before a daemon is started: 1 MiB.
const MAX_LOG_BYTES: u64 = 1024 * 1024;

/// Most bytes of a failed daemon's log that an error quotes.
const MAX_QUOTED_BYTES: u64 = 4096;

/// Connects to the daemon at `endpoint`; if none is running, starts one and waits until it answers.
///
/// # Errors
///
/// See [`ClientError`]: no `gted` found, it could not start (with its messages), or it did not
/// answer in time.
pub(super) async fn connect_or_start(endpoint: &Endpoint) -> Result<Connection, ClientError> {
    let deadline = Instant::now() + START_TIMEOUT;
    let mut starting: Option<Starting> = None;
    loop {
        match Connection::open(endpoint).await {
            // Closed: the daemon that was reached was exiting.
            Err(ClientError::NotRunning(_) | ClientError::Closed) => {}
            done => {
                if let Some(daemon) = starting {
                    daemon.release();
                }
                return done;
            }
        }
        if Instant::now() >= deadline {
            return Err(ClientError::StartTimeout(START_TIMEOUT));
        }
        match &mut starting {
            None => starting = Some(Starting::spawn(endpoint)?),
            Some(daemon) => {
                if daemon.has_exited()? {
                    starting = None;
                    sleep(RETRY).await;
                } else {
                    sleep(POLL).await;
                }
            }
        }
    }
}

/// A daemon that is starting.
struct Starting {
    child: Child,
    program: PathBuf,
    log: File,
    /// Offset in the log of this daemon's messages.
    log_from: u64,
}

impl Starting {
    fn spawn(endpoint: &Endpoint) -> Result<Self, ClientError> {
        endpoint.prepare_directory()?;
        let program = find_gted().ok_or(ClientError::NoProgram)?;
        let failed = |source| ClientError::Spawn {
            program: program.clone(),
            source,
        };
        let (log, log_from) = open_log(&endpoint.log_path()).map_err(failed)?;
        let child = Command::new(&program)
            .arg("serve")
            .arg("--socket")
            .arg(endpoint.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.try_clone().map_err(failed)?)
            // In a process group of its own, the daemon does not receive this terminal's Ctrl-C.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        Ok(Self {
            child,
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
        let status = self.child.try_wait().map_err(|source| ClientError::Spawn {
            program: self.program.clone(),
            source,
        })?;
        match status {
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

    /// Leaves the daemon running. A thread waits for its exit, so that no zombie process remains.
    fn release(mut self) {
        std::thread::spawn(move || self.child.wait());
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

/// Finds the `gted` beside this program, else the first on the PATH.
#[must_use]
pub fn find_gted() -> Option<PathBuf> {
    let beside = std::env::current_exe()
        .ok()
        .and_then(|program| Some(program.parent()?.join("gted")));
    beside
        .into_iter()
        .chain(on_path(std::env::var_os("PATH")))
        .find(|candidate| candidate.is_file())
}

fn on_path(path: Option<OsString>) -> impl Iterator<Item = PathBuf> {
    let folders: Vec<PathBuf> = path
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default();
    folders.into_iter().map(|folder| folder.join("gted"))
}
