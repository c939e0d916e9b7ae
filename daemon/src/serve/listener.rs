//! The socket: binding it, accepting connections, and draining them at the end.

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gte_shared::endpoint::{Endpoint, EndpointError};
use interprocess::local_socket::ListenerOptions;
use interprocess::local_socket::tokio::{Listener, prelude::*};
use interprocess::os::unix::local_socket::ListenerOptionsExt;
use tokio::sync::{Semaphore, mpsc};

use super::{Service, session, stopped};

/// Only the owner may connect.
const SOCKET_MODE: u32 = 0o600;

/// Pause after the system refused a connection, so that a lack of file descriptors does not turn
/// into a busy loop.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_millis(100);

/// Why the socket cannot be listened at.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The path cannot be a socket's.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Something that is no socket is in its place.
    #[error("{} exists and is not a socket", .0.display())]
    Occupied(PathBuf),
    /// The system refuses.
    #[error("cannot listen at {}: {source}", path.display())]
    Listen {
        /// The socket.
        path: PathBuf,
        /// What the system says.
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

/// Binds the socket. Needs the instance lock: a socket that is there is then a dead daemon's, and
/// is replaced.
///
/// The socket is removed when the listener is dropped.
///
/// # Errors
///
/// If something else is in its place, or the system refuses.
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

/// Accepts connections until the service is asked to stop, then waits until every session has
/// finished what runs. The socket is gone when this returns.
pub async fn serve(listener: Listener, service: Arc<Service>) {
    let places = Arc::new(Semaphore::new(service.limits.connections));
    let mut stopping = service.stopping.subscribe();
    // Every session holds a sender and sends nothing: the channel closes with the last of them.
    let (session_alive, mut all_ended) = mpsc::channel::<()>(1);

    loop {
        let accepted = tokio::select! {
            () = stopped(&mut stopping) => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let (stream, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE_AFTER_REFUSAL).await;
                continue;
            }
        };
        let service = Arc::clone(&service);
        let session_alive = session_alive.clone();
        tokio::spawn(async move {
            service.connections.fetch_add(1, Ordering::Relaxed);
            session::run(stream, &service).await;
            service.connections.fetch_sub(1, Ordering::Relaxed);
            drop((place, session_alive));
        });
    }

    drop(listener);
    drop(session_alive);
    tracing::info!("finishing what runs");
    // Nothing is ever sent; this returns when the last session has dropped its sender.
    all_ended.recv().await;
}

type Accepted = (
    interprocess::local_socket::tokio::Stream,
    tokio::sync::OwnedSemaphorePermit,
);

/// Waits for a free place and then for a connection.
async fn accept(listener: &Listener, places: &Arc<Semaphore>) -> io::Result<Accepted> {
    let place = Arc::clone(places).acquire_owned().await;
    // The semaphore is never closed.
    let place = place.map_err(io::Error::other)?;
    Ok((listener.accept().await?, place))
}
