//! The end of a daemon.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::connection::{is_disconnect, open_stream};
use super::error::ClientError;
use crate::endpoint::Endpoint;

/// Asks the daemon at `endpoint` to finish its pending requests and exit, and waits until it has
/// exited: the daemon keeps this connection open until its process ends.
///
/// Sends a JSON line, so that it works across versions of the binary protocol.
///
/// # Errors
///
/// [`ClientError::NotRunning`] if no daemon listens there; see [`ClientError`] for the others.
pub async fn stop(endpoint: &Endpoint) -> Result<(), ClientError> {
    let stream = open_stream(endpoint).await?;
    let request = async {
        (&stream).write_all(b"{\"command\":\"shutdown\"}\n").await?;
        (&stream).read_to_end(&mut Vec::new()).await
    };
    match request.await {
        Ok(_) => Ok(()),
        Err(error) if is_disconnect(&error) => Ok(()),
        Err(error) => Err(ClientError::Frame(error.into())),
    }
}
