//! The listener: binds the socket, accepts connections, and drains them at the end.

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gte_shared::endpoint::{Endpoint, EndpointError};
use interprocess::local_socket::ListenerOptions;
use interprocess::local_socket::tokio::{Listener, Stream, prelude::*};
use interprocess::os::unix::local_socket::ListenerOptionsExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::service::Service;
use super::session;

/// Mode of the socket: only the owner may connect.
const SOCKET_MODE: u32 = 0o600;

/// Pause after a failed accept, so that a lack of file descriptors does not cause a busy loop.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_millis(100);

/// Failure to listen at the socket. The message says what is wrong; [`hint`](Self::hint) says what
/// to do next.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The socket has no usable path.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// A file that is not a socket has the socket's path.
    #[error("{} exists and is not a socket", .0.display())]
    Occupied(PathBuf),
    /// The system refuses to listen there.
    #[error("cannot listen at {}: {source}", path.display())]
    Listen {
        /// Path of the socket.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
}

impl BindError {
    /// Next step for the user, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Occupied(_) => Some("remove it, or choose another path with --socket".to_owned()),
            Self::Endpoint(error) => error.hint(),
            Self::Listen { .. } => None,
        }
    }
}

/// Binds the socket. The caller holds the instance lock, so an existing socket belongs to a dead
/// daemon and is replaced. Dropping the listener removes the socket.
///
/// # Errors
///
/// If another kind of file has the socket's path, or the system refuses.
pub fn bind(endpoint: &Endpoint) -> Result<Listener, BindError> {
    let path = endpoint.path();
    let failed = |source| BindError::Listen {
        path: path.to_owned(),
        source,
    };
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.file_type().is_socket() => {
            std::fs::remove_file(path).map_err(failed)?;
        }
        Ok(_) => return Err(BindError::Occupied(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    ListenerOptions::new()
        .name(endpoint.name()?)
        .mode(SOCKET_MODE)
        .create_tokio()
        .map_err(failed)
}

/// Accepts connections until the service stops, then waits until every session has answered its
/// pending requests. The socket is removed when this returns.
pub async fn serve(listener: Listener, service: Arc<Service>) {
    let permits = Arc::new(Semaphore::new(service.limits().connections));
    // Every session holds a sender, through which nothing is sent: the channel closes when the last
    // session ends.
    let (session_alive, mut all_ended) = mpsc::channel::<()>(1);

    loop {
        let accepted = tokio::select! {
            () = service.stopped() => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        let (stream, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(PAUSE_AFTER_REFUSAL).await;
                continue;
            }
        };
        let service = Arc::clone(&service);
        let session_alive = session_alive.clone();
        tokio::spawn(async move {
            service.connection_opened();
            session::run(stream, &service).await;
            service.connection_closed();
            drop((permit, session_alive));
        });
    }

    drop(listener);
    drop(session_alive);
    tracing::info!("draining");
    // Returns when the last session has dropped its sender.
    all_ended.recv().await;
}

/// Waits for a free permit and then for a connection.
async fn accept(
    listener: &Listener,
    permits: &Arc<Semaphore>,
) -> io::Result<(Stream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await;
    // The semaphore is never closed.
    let permit = permit.map_err(io::Error::other)?;
    Ok((listener.accept().await?, permit))
}
