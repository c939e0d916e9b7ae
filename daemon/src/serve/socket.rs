//! The daemon's socket: bound in the place of a dead one only, and removed only by its owner.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use gte_shared::endpoint::{Endpoint, EndpointError};
use interprocess::local_socket::ListenerOptions;
use interprocess::local_socket::tokio::{Listener, Stream, prelude::*};
use interprocess::os::unix::local_socket::ListenerOptionsExt;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

/// Mode of the socket: only the owner may connect.
const SOCKET_MODE: u32 = 0o600;

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
    /// Another program listens at the socket.
    #[error("another program listens at {}", .0.display())]
    InUse(PathBuf),
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
            Self::InUse(_) => {
                Some("end that program, or choose another path with --socket".to_owned())
            }
            Self::Endpoint(error) => error.hint(),
            Self::Listen { .. } => None,
        }
    }
}

/// A bound socket. Dropping it removes the socket's file, unless another file is in its place or a
/// service manager has bound it.
#[derive(Debug)]
pub struct BoundSocket {
    listener: Listener,
    endpoint: Endpoint,
    /// Device and inode of the socket's file.
    file: (u64, u64),
    /// True if a service manager has bound the socket.
    inherited: bool,
}

impl BoundSocket {
    /// Binds the socket. A socket at its path that refuses connections belongs to a dead daemon and
    /// is replaced.
    ///
    /// # Errors
    ///
    /// If another program listens there, another kind of file has the path, or the system refuses.
    pub fn bind(endpoint: &Endpoint) -> Result<Self, BindError> {
        let path = endpoint.path();
        let failed = |source| BindError::Listen {
            path: path.to_owned(),
            source,
        };
        match path.symlink_metadata() {
            Ok(metadata) if metadata.file_type().is_socket() => {
                if is_alive(path).map_err(failed)? {
                    return Err(BindError::InUse(path.to_owned()));
                }
                match std::fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(failed(error));
                    }
                    _ => {}
                }
            }
            Ok(_) => return Err(BindError::Occupied(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let listener = ListenerOptions::new()
            .name(endpoint.name()?)
            .mode(SOCKET_MODE)
            // The library would remove whatever has the path in the end.
            .reclaim_name(false)
            .create_tokio()
            .map_err(failed)?;
        let file = path.symlink_metadata().map_err(failed)?;
        Ok(Self {
            listener,
            endpoint: endpoint.clone(),
            file: (file.dev(), file.ino()),
            inherited: false,
        })
    }

    /// Takes over a listening socket of a service manager, which `endpoint` names.
    ///
    /// # Errors
    ///
    /// If the socket's file is gone, or the system refuses.
    pub fn inherit(endpoint: &Endpoint, descriptor: OwnedFd) -> Result<Self, BindError> {
        let failed = |source| BindError::Listen {
            path: endpoint.path().to_owned(),
            source,
        };
        let file = endpoint.path().symlink_metadata().map_err(failed)?;
        let listener = descriptor.try_into().map_err(failed)?;
        Ok(Self {
            listener: Listener::UdSocket(listener),
            endpoint: endpoint.clone(),
            file: (file.dev(), file.ino()),
            inherited: true,
        })
    }

    /// Returns true if a service manager has bound the socket, and decides who may connect.
    pub(super) fn is_inherited(&self) -> bool {
        self.inherited
    }

    /// Binds the socket anew, after its file has been removed.
    ///
    /// # Errors
    ///
    /// As of [`bind`](Self::bind).
    pub(super) fn bind_again(&mut self) -> Result<(), BindError> {
        let bound = Self::bind(&self.endpoint)?;
        // The former value removes nothing, since its file is gone.
        *self = bound;
        Ok(())
    }

    /// Returns true while clients find this socket at its path.
    pub(super) fn is_in_place(&self) -> bool {
        let file = self.endpoint.path().symlink_metadata();
        file.is_ok_and(|file| (file.dev(), file.ino()) == self.file)
    }

    /// Waits for a connection.
    pub(super) async fn accept(&self) -> io::Result<Stream> {
        self.listener.accept().await
    }
}

impl Drop for BoundSocket {
    fn drop(&mut self) {
        if !self.inherited
            && self.is_in_place()
            && let Err(error) = std::fs::remove_file(self.endpoint.path())
        {
            tracing::warn!(%error, "socket not removed");
        }
    }
}

/// Returns true if a process listens at the socket.
pub(super) fn is_alive(path: &Path) -> io::Result<bool> {
    // A connection that must wait, because too many others do, has reached a listener.
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    match connect(&socket, &SocketAddrUnix::new(path)?) {
        Ok(()) | Err(Errno::AGAIN) => Ok(true),
        Err(Errno::CONNREFUSED | Errno::NOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    fn endpoint(folder: &tempfile::TempDir) -> Endpoint {
        Endpoint::resolve(Some(&folder.path().join("s"))).unwrap()
    }

    #[tokio::test]
    async fn a_socket_is_replaced_once_nobody_listens() {
        let folder = tempfile::tempdir().unwrap();
        let endpoint = endpoint(&folder);
        let other = UnixListener::bind(endpoint.path()).unwrap();
        let error = BoundSocket::bind(&endpoint).unwrap_err();
        assert!(matches!(error, BindError::InUse(_)), "{error}");
        drop(other);
        assert!(BoundSocket::bind(&endpoint).unwrap().is_in_place());
    }

    #[tokio::test]
    async fn a_listener_with_a_full_backlog_is_alive() {
        let folder = tempfile::tempdir().unwrap();
        let endpoint = endpoint(&folder);
        let socket = socket_with(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        );
        let socket = socket.unwrap();
        let address = SocketAddrUnix::new(endpoint.path()).unwrap();
        rustix::net::bind(&socket, &address).unwrap();
        rustix::net::listen(&socket, 0).unwrap();
        let waiting = std::os::unix::net::UnixStream::connect(endpoint.path()).unwrap();
        assert!(is_alive(endpoint.path()).unwrap());
        drop(waiting);
    }

    #[tokio::test]
    async fn another_socket_at_the_path_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let endpoint = endpoint(&folder);
        let bound = BoundSocket::bind(&endpoint).unwrap();
        std::fs::remove_file(endpoint.path()).unwrap();
        assert!(!bound.is_in_place());
        let _other = UnixListener::bind(endpoint.path()).unwrap();
        assert!(!bound.is_in_place());
        drop(bound);
        assert!(endpoint.path().exists());
    }

    #[tokio::test]
    async fn a_removed_socket_is_bound_again_and_removed_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let endpoint = endpoint(&folder);
        let mut bound = BoundSocket::bind(&endpoint).unwrap();
        std::fs::remove_file(endpoint.path()).unwrap();
        bound.bind_again().unwrap();
        assert!(bound.is_in_place());
        drop(bound);
        assert!(!endpoint.path().exists());
    }
}
