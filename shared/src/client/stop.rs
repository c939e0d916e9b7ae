//! The end of a daemon.

use std::time::Duration;

use interprocess::local_socket::tokio::Stream;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::{Instant, sleep, timeout};

use super::autostart::{HELD_POLL, not_listening};
use super::connection::{is_disconnect, open_stream};
use super::error::ClientError;
use super::notice::{NOTICE_AFTER, Notice};
use crate::endpoint::{Endpoint, EndpointError, check_peer};

/// Time for a daemon to end after its drain timeout.
const END_TIMEOUT: Duration = Duration::from_secs(30);

/// Drain timeout of a daemon that has recorded none.
const DEFAULT_DRAIN: Duration = Duration::from_secs(30);

/// Most bytes of a status line.
const STATUS_BYTES: u64 = 64 * 1024;

/// Time for a daemon to report its state.
const STATUS_TIMEOUT: Duration = Duration::from_secs(10);

/// Asks the daemon at `endpoint` to finish its pending requests and exit, and waits until it has
/// exited. Waits as well for a daemon that is ending already.
///
/// Speaks JSON lines, so that it works across versions of the binary protocol.
///
/// # Errors
///
/// [`ClientError::NotRunning`] if no daemon was running; [`ClientError::NotListening`] if it does
/// not end in time; see [`ClientError`] for the others.
pub async fn stop(
    endpoint: &Endpoint,
    notify: &(dyn Fn(&Notice) + Send + Sync),
) -> Result<(), ClientError> {
    let drain = endpoint.holder().and_then(|holder| holder.drain_seconds);
    let drain = drain.map_or(DEFAULT_DRAIN, Duration::from_secs);
    let ended = timeout(drain.saturating_add(END_TIMEOUT), end(endpoint, notify)).await;
    ended.unwrap_or_else(|_| Err(not_listening(endpoint)))
}

/// Ends the daemon at `endpoint` if a client has started it, and waits until it has exited. Returns
/// false if somebody else has started it, or nothing answers.
///
/// # Errors
///
/// As those of [`stop`].
pub async fn stop_if_started_by_client(
    endpoint: &Endpoint,
    notify: &(dyn Fn(&Notice) + Send + Sync),
) -> Result<bool, ClientError> {
    let status = status_of_any_version(endpoint).await;
    let detached = status.and_then(|status| status.get("detached")?.as_bool());
    if detached != Some(true) {
        return Ok(false);
    }
    match stop(endpoint, notify).await {
        // It has ended by itself meanwhile.
        Ok(()) | Err(ClientError::NotRunning(_)) => Ok(true),
        Err(error) => Err(error),
    }
}

async fn end(
    endpoint: &Endpoint,
    notify: &(dyn Fn(&Notice) + Send + Sync),
) -> Result<(), ClientError> {
    let start = Instant::now();
    // Process that holds the socket, once it has been asked to end or has been seen without one.
    let mut ending: Option<u32> = None;
    let (mut asked, mut seen, mut told) = (false, false, false);
    if endpoint.is_free()? {
        // A service manager that listens there would start one.
        return Err(ClientError::NotRunning(endpoint.path().to_owned()));
    }
    loop {
        let pid = endpoint.holder().map(|holder| holder.pid);
        if (asked || seen) && pid.is_some() && ending.is_some() && pid != ending {
            // Another client has started a daemon since.
            return Ok(());
        }
        if !asked && !endpoint.is_ending()? {
            match open_stream(endpoint).await {
                Ok(stream) => match check_peer(&stream) {
                    Ok(peer) => {
                        asked = true;
                        // Behind a service manager's socket, the peer is the service manager.
                        let now = endpoint.holder().map(|holder| holder.pid);
                        ending = if now == pid { now } else { peer.pid.or(now) };
                        let asking = shut_down(&stream);
                        tokio::pin!(asking);
                        if let Ok(done) = timeout(NOTICE_AFTER, &mut asking).await {
                            done?;
                        } else {
                            told = true;
                            notify(&Notice::waiting(endpoint));
                            asking.await?;
                        }
                    }
                    // It has no room for a connection yet.
                    Err(EndpointError::NotConnected) => {}
                    Err(error) => return Err(error.into()),
                },
                Err(ClientError::NotRunning(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if !endpoint.is_held()? {
            return if asked || seen {
                Ok(())
            } else {
                Err(ClientError::NotRunning(endpoint.path().to_owned()))
            };
        }
        // It is ending already, or has lost its socket and is about to listen again.
        seen = true;
        ending = ending.or_else(|| endpoint.holder().map(|holder| holder.pid));
        if !told && start.elapsed() >= NOTICE_AFTER {
            told = true;
            notify(&Notice::waiting(endpoint));
        }
        sleep(HELD_POLL).await;
    }
}

/// Asks for the end, and waits until the daemon has closed the connection, which it keeps open
/// until its process ends.
async fn shut_down(mut stream: &Stream) -> Result<(), ClientError> {
    let request = async {
        stream.write_all(b"{\"command\":\"shutdown\"}\n").await?;
        stream.read_to_end(&mut Vec::new()).await
    };
    match request.await {
        Ok(_) => Ok(()),
        Err(error) if is_disconnect(&error) => Ok(()),
        Err(error) => Err(ClientError::Frame(error.into())),
    }
}

/// State of a daemon of any version, as the JSON object of its status; `None` if it does not
/// report one.
pub(super) async fn status_of_any_version(endpoint: &Endpoint) -> Option<Value> {
    let asking = async {
        let stream = open_stream(endpoint).await.ok()?;
        check_peer(&stream).ok()?;
        (&stream)
            .write_all(b"{\"command\":\"status\"}\n")
            .await
            .ok()?;
        let mut reply = String::new();
        let mut reader = BufReader::new(&stream).take(STATUS_BYTES);
        reader.read_line(&mut reply).await.ok()?;
        let mut reply: Value = serde_json::from_str(&reply).ok()?;
        Some(reply.get_mut("status")?.take())
    };
    timeout(STATUS_TIMEOUT, asking).await.ok()?
}
