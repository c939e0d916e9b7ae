//! Ending a daemon.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::connection::{is_disconnect, open_stream};
use super::error::ClientError;
use crate::endpoint::Endpoint;

/// Asks the daemon at `endpoint` to finish what runs and exit, and waits until it has: the daemon keeps
/// the connection that asked until its process ends.
///
/// Speaks JSON lines, so that it works across versions that do not understand each other.
///
/// # Errors
///
/// [`ClientError::NotRunning`] when nobody listens there; see [`ClientError`] for the others.
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
