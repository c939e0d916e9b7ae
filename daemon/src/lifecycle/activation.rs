//! The socket that a service manager listens at, and hands over when somebody connects
//! (sd_listen_fds(3)).

#![allow(unsafe_code, reason = "a descriptor by its number")]

use std::ffi::OsStr;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use rustix::net::sockopt::{socket_acceptconn, socket_type};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, getsockname};

/// Name of the daemon's socket among those that are handed over (`FileDescriptorName=`).
const SOCKET: &str = "socket";

/// Name of a descriptor without a name.
const UNNAMED: &str = "unknown";

/// A listening socket of a service manager.
#[derive(Debug)]
pub(crate) struct InheritedSocket {
    /// The socket.
    pub(crate) descriptor: OwnedFd,
    /// Path that it is bound to.
    pub(crate) path: PathBuf,
}

/// Failure to take over the socket of a service manager.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActivationError {
    /// The environment variables contradict each other.
    #[error("the service manager's sockets cannot be taken over: {0}")]
    Environment(io::Error),
    /// A descriptor has a name that means nothing to this program.
    #[error(
        "the service manager hands over a socket called {0}; the daemon's is called {SOCKET} (`FileDescriptorName=`)"
    )]
    Name(String),
    /// Two descriptors have the same name.
    #[error("the service manager hands over two sockets called {0}")]
    Twice(String),
    /// The descriptor is not a socket, or one of another kind.
    #[error(
        "what the service manager hands over as {SOCKET} is not a listening Unix stream socket"
    )]
    Kind,
    /// The socket has no path.
    #[error("the socket of the service manager has no path in the file system")]
    NoPath,
}

/// Takes over the socket of the service manager; `None` if there is none, or if it was meant for
/// another process (`LISTEN_PID`). Programs that this one starts do not inherit it.
///
/// # Errors
///
/// See [`ActivationError`].
pub(crate) fn inherited_socket() -> Result<Option<InheritedSocket>, ActivationError> {
    // Closes them in programs that are started later (FD_CLOEXEC).
    let descriptors = sd_notify::listen_fds_with_names().map_err(ActivationError::Environment)?;
    let alone = descriptors.len() == 1;
    let mut found = None;
    for (descriptor, name) in descriptors {
        if name != SOCKET && !(alone && name == UNNAMED) {
            return Err(ActivationError::Name(name));
        }
        if found.is_some() {
            return Err(ActivationError::Twice(name));
        }
        // SAFETY: The service manager has opened the descriptor for this process and names it once;
        // this function is called once, before anything else could own it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        found = Some(checked(descriptor)?);
    }
    Ok(found)
}

fn checked(descriptor: OwnedFd) -> Result<InheritedSocket, ActivationError> {
    let kind = |_| ActivationError::Kind;
    let listens = socket_acceptconn(&descriptor).map_err(kind)?;
    if !listens || socket_type(&descriptor).map_err(kind)? != SocketType::STREAM {
        return Err(ActivationError::Kind);
    }
    let address = getsockname(&descriptor).map_err(kind)?;
    if address.address_family() != AddressFamily::UNIX {
        return Err(ActivationError::Kind);
    }
    let address = SocketAddrUnix::try_from(address).map_err(kind)?;
    let path = address.path_bytes().ok_or(ActivationError::NoPath)?;
    Ok(InheritedSocket {
        descriptor,
        path: PathBuf::from(OsStr::from_bytes(path)),
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

    use super::*;

    #[test]
    fn the_path_of_a_listening_socket_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        assert_eq!(checked(listener.into()).unwrap().path, path);
    }

    #[test]
    fn other_descriptors_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = std::fs::File::create(folder.path().join("file")).unwrap();
        let datagram = UnixDatagram::bind(folder.path().join("d")).unwrap();
        let (connected, _other) = UnixStream::pair().unwrap();
        let internet = TcpListener::bind("127.0.0.1:0").unwrap();
        let others: [OwnedFd; 4] = [
            file.into(),
            datagram.into(),
            connected.into(),
            internet.into(),
        ];
        for other in others {
            let refused = checked(other).unwrap_err();
            assert!(matches!(refused, ActivationError::Kind), "{refused}");
        }
    }

    #[test]
    fn an_abstract_socket_is_refused() {
        use std::os::linux::net::SocketAddrExt;
        let name = format!("gte-test-{}", std::process::id());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name).unwrap();
        let listener = UnixListener::bind_addr(&address).unwrap();
        let refused = checked(listener.into()).unwrap_err();
        assert!(matches!(refused, ActivationError::NoPath), "{refused}");
    }
}
