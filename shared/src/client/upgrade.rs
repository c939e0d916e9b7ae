//! A daemon of another version than this program: replaced if that disturbs nobody, else named
//! once.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::time::Duration;

use tokio::time::sleep;

use super::connection::open_stream;
use super::error::ClientError;
use super::find::is_current_gted;
use super::notice::Notice;
use super::stop::{status_of_any_version, stop};
use crate::endpoint::Endpoint;
use crate::private_file;
use crate::version::VERSION;

/// Attempts to find the daemon without other connections: the one that found out about its version
/// may still be counted.
const ATTEMPTS: u32 = 10;

/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(10);

/// Stops a daemon that was started by a client and that nobody uses, so that the next connection
/// starts one of this version. Returns the daemon's version, which is this one if another client
/// has replaced it or is about to; `None` if it stays.
///
/// # Errors
///
/// If the daemon does not end.
pub(super) async fn stop_if_idle(
    endpoint: &Endpoint,
    notify: &(dyn Fn(&Notice) + Send + Sync),
) -> Result<Option<String>, ClientError> {
    if !is_current_gted() {
        // The next one would be of another version as well.
        return Ok(None);
    }
    let mut seen = false;
    for _ in 0..ATTEMPTS {
        let Some(status) = status_of_any_version(endpoint).await else {
            // Another client may be replacing it. What is there is another program.
            return match open_stream(endpoint).await {
                Ok(_) if !seen => Ok(None),
                _ => Ok(Some(VERSION.to_owned())),
            };
        };
        seen = true;
        let version = status["version"].as_str().unwrap_or_default().to_owned();
        if version == VERSION {
            return Ok(Some(version));
        }
        if status["detached"] != true || status["pending_texts"] != 0 {
            return Ok(None);
        }
        // The connection that asks is counted.
        if status["connections"] == 1 {
            return match stop(endpoint, notify).await {
                Ok(()) | Err(ClientError::NotRunning(_)) => Ok(Some(version)),
                Err(error) => Err(error),
            };
        }
        sleep(PAUSE).await;
    }
    Ok(None)
}

/// Tells the user about a daemon of another version, unless the note beside the socket says that
/// the user knows of this daemon and this program.
pub(super) fn tell_once(
    endpoint: &Endpoint,
    version: &str,
    pid: Option<u32>,
    notify: &(dyn Fn(&Notice) + Send + Sync),
) {
    let pid = pid.unwrap_or_default();
    let note = format!("{pid} {version} {VERSION}\n");
    // A note that cannot be kept is told again the next time.
    if !is_noted(endpoint, &note).unwrap_or(false) {
        notify(&Notice::OtherVersion {
            version: version.to_owned(),
        });
    }
}

/// Returns true if the file has this note already, and writes it if not.
fn is_noted(endpoint: &Endpoint, note: &str) -> io::Result<bool> {
    let path = endpoint.told_path();
    let mut file = private_file::open(OpenOptions::new().read(true).write(true), &path)?;
    let mut known = String::new();
    let limit = note.len() as u64 + 1;
    (&file).take(limit).read_to_string(&mut known)?;
    if known == note {
        return Ok(true);
    }
    file.set_len(0)?;
    io::Seek::rewind(&mut file)?;
    file.write_all(note.as_bytes())?;
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_daemon_of_another_version_is_named_once() {
        let folder = tempfile::tempdir().unwrap();
        let endpoint = Endpoint::resolve(Some(&folder.path().join("s"))).unwrap();
        let notices = Mutex::new(Vec::new());
        let notify = |notice: &Notice| notices.lock().unwrap().push(notice.clone());
        for (pid, version) in [
            (1, "old"),
            (1, "old"),
            (2, "old"),
            (2, "older"),
            (2, "older"),
        ] {
            tell_once(&endpoint, version, Some(pid), &notify);
        }
        let told = |version: &str| Notice::OtherVersion {
            version: version.to_owned(),
        };
        let expected = [told("old"), told("old"), told("older")];
        assert_eq!(*notices.lock().unwrap(), expected);
    }
}
