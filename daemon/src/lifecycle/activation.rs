//! The sockets that a service manager listens at, and hands over when somebody connects
//! (sd_listen_fds(3)).

#![allow(unsafe_code, reason = "a descriptor by its number")]

use std::ffi::OsStr;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use gte_shared::settings::{HttpAddress, HttpSocket};
use rustix::net::sockopt::{socket_acceptconn, socket_type};
use rustix::net::{AddressFamily, SocketAddrAny, SocketAddrUnix, SocketType, getsockname};

/// Name of the daemon's socket among those that are handed over (`FileDescriptorName=`).
const SOCKET: &str = "socket";

/// Name of the socket for HTTP.
const HTTP: &str = "http";

/// Name of a descriptor without a name.
const UNNAMED: &str = "unknown";

/// A listening socket of a service manager.
#[derive(Debug)]
pub(crate) struct InheritedSocket<A> {
    /// The socket.
    pub(crate) descriptor: OwnedFd,
    /// Address that it is bound to.
    pub(crate) address: A,
}

/// The sockets of a service manager.
#[derive(Debug, Default)]
pub(crate) struct InheritedSockets {
    /// The daemon's own, at its path.
    pub(crate) own: Option<InheritedSocket<PathBuf>>,
    /// The one for HTTP.
    pub(crate) http: Option<InheritedSocket<HttpAddress>>,
}

/// Failure to take over the socket of a service manager.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActivationError {
    /// The environment variables contradict each other.
    #[error("the service manager's sockets cannot be taken over: {0}")]
    Environment(io::Error),
    /// A descriptor has a name that means nothing to this program.
    #[error(
        "the service manager hands over a socket called {0}; the daemon's are called {SOCKET} and {HTTP} (`FileDescriptorName=`)"
    )]
    Name(String),
    /// Two descriptors have the same name.
    #[error("the service manager hands over two sockets called {0}")]
    Twice(String),
    /// The descriptor is not a socket, or one of another kind.
    #[error("what the service manager hands over as {0} is not a listening socket of its kind")]
    Kind(&'static str),
    /// The socket has no path.
    #[error("the socket of the service manager has no path in the file system")]
    NoPath,
}

/// Takes over the sockets of the service manager; there are none if they were meant for another
/// process (`LISTEN_PID`). Programs that this one starts do not inherit them.
///
/// # Errors
///
/// See [`ActivationError`].
pub(crate) fn inherited_sockets() -> Result<InheritedSockets, ActivationError> {
    // Closes them in programs that are started later (FD_CLOEXEC).
    let descriptors = sd_notify::listen_fds_with_names().map_err(ActivationError::Environment)?;
    let alone = descriptors.len() == 1;
    let mut found = InheritedSockets::default();
    for (descriptor, name) in descriptors {
        let is_own = name == SOCKET || alone && name == UNNAMED;
        if !is_own && name != HTTP {
            return Err(ActivationError::Name(name));
        }
        if is_own && found.own.is_some() || !is_own && found.http.is_some() {
            return Err(ActivationError::Twice(name));
        }
        // SAFETY: The service manager has opened the descriptor for this process and names it once;
        // this function is called once, before anything else could own it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        if is_own {
            found.own = Some(own(descriptor)?);
        } else {
            found.http = Some(http(descriptor)?);
        }
    }
    Ok(found)
}

fn own(descriptor: OwnedFd) -> Result<InheritedSocket<PathBuf>, ActivationError> {
    let address = listening_address(&descriptor, SOCKET)?;
    if address.address_family() != AddressFamily::UNIX {
        return Err(ActivationError::Kind(SOCKET));
    }
    let address = path_of(address)?;
    Ok(InheritedSocket {
        descriptor,
        address,
    })
}

fn http(descriptor: OwnedFd) -> Result<InheritedSocket<HttpAddress>, ActivationError> {
    let address = listening_address(&descriptor, HTTP)?;
    let address = if address.address_family() == AddressFamily::UNIX {
        let path = path_of(address)?;
        // The service manager has set its permissions.
        HttpAddress::Unix(HttpSocket {
            path,
            mode: 0,
            group: None,
        })
    } else {
        let address = SocketAddr::try_from(address);
        HttpAddress::Tcp(address.map_err(|_| ActivationError::Kind(HTTP))?)
    };
    Ok(InheritedSocket {
        descriptor,
        address,
    })
}

/// Address of a listening stream socket.
fn listening_address(
    descriptor: &OwnedFd,
    name: &'static str,
) -> Result<SocketAddrAny, ActivationError> {
    let kind = |_| ActivationError::Kind(name);
    let listens = socket_acceptconn(descriptor).map_err(kind)?;
    if !listens || socket_type(descriptor).map_err(kind)? != SocketType::STREAM {
        return Err(ActivationError::Kind(name));
    }
    getsockname(descriptor).map_err(kind)
}

fn path_of(address: SocketAddrAny) -> Result<PathBuf, ActivationError> {
    let address = SocketAddrUnix::try_from(address).map_err(|_| ActivationError::NoPath)?;
    let path = address.path_bytes().ok_or(ActivationError::NoPath)?;
    Ok(PathBuf::from(OsStr::from_bytes(path)))
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
        assert_eq!(own(listener.into()).unwrap().address, path);
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
            let refused = own(other).unwrap_err();
            assert!(matches!(refused, ActivationError::Kind(_)), "{refused}");
        }
    }

    #[test]
    fn http_has_a_socket_of_either_kind() {
        let internet = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = HttpAddress::Tcp(internet.local_addr().unwrap());
        assert_eq!(http(internet.into()).unwrap().address, address);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let unix = UnixListener::bind(&path).unwrap();
        let found = http(unix.into()).unwrap().address;
        assert!(matches!(found, HttpAddress::Unix(socket) if socket.path == path));
    }

    #[test]
    fn an_abstract_socket_is_refused() {
        use std::os::linux::net::SocketAddrExt;
        let name = format!("gte-test-{}", std::process::id());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name).unwrap();
        let listener = UnixListener::bind_addr(&address).unwrap();
        let refused = own(listener.into()).unwrap_err();
        assert!(matches!(refused, ActivationError::NoPath), "{refused}");
    }
}
