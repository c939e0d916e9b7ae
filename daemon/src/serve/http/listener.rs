//! Sockets that HTTP is served at.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};

use gte_shared::settings::{HttpAddress, HttpSocket};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, UnixListener};

use super::error::HttpError;

/// Connections that the system keeps until they are accepted: what Linux allows by default.
const BACKLOG: u32 = 4096;

/// A connection.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A socket that is bound, and at which nobody can connect yet.
pub(super) enum Bound {
    Tcp(TcpSocket),
    Unix(HttpSocket),
    /// A socket of a service manager, which listens already.
    Inherited(Listener),
}

/// A listening socket.
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(
        UnixListener,
        #[expect(dead_code, reason = "removed with the listener")] Option<File>,
    ),
}

/// The file of a Unix socket, which is removed with this value, unless another is in its place.
pub(super) struct File {
    path: PathBuf,
    /// Device and inode.
    number: (u64, u64),
}

impl Drop for File {
    fn drop(&mut self) {
        let now = self.path.symlink_metadata();
        if now.is_ok_and(|now| (now.dev(), now.ino()) == self.number) {
            // Left behind, it is replaced by the next daemon.
            drop(std::fs::remove_file(&self.path));
        }
    }
}

impl Bound {
    /// Binds an address. It is refused here if another program listens there.
    ///
    /// # Errors
    ///
    /// If the address is taken, or the system refuses.
    pub(super) fn new(address: &HttpAddress) -> Result<Self, HttpError> {
        let failed = |source| HttpError::Listen {
            address: address.clone(),
            source,
        };
        match address {
            HttpAddress::Tcp(address) => Ok(Self::Tcp(bind_tcp(*address).map_err(failed)?)),
            HttpAddress::Unix(socket) => {
                check_free(&socket.path, failed)?;
                Ok(Self::Unix(socket.clone()))
            }
        }
    }

    /// Takes over a listening socket of a service manager, of either kind.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub(super) fn inherit(descriptor: OwnedFd, is_unix: bool) -> io::Result<Self> {
        let listener = if is_unix {
            let listener = std::os::unix::net::UnixListener::from(descriptor);
            listener.set_nonblocking(true)?;
            Listener::Unix(UnixListener::from_std(listener)?, None)
        } else {
            let listener = std::net::TcpListener::from(descriptor);
            listener.set_nonblocking(true)?;
            Listener::Tcp(TcpListener::from_std(listener)?)
        };
        Ok(Self::Inherited(listener))
    }

    /// Listens from now on.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub(super) fn listen(self, address: &HttpAddress) -> Result<Listener, HttpError> {
        let failed = |source| HttpError::Listen {
            address: address.clone(),
            source,
        };
        match self {
            Self::Tcp(socket) => socket.listen(BACKLOG).map(Listener::Tcp).map_err(failed),
            Self::Unix(socket) => listen_unix(&socket, failed),
            Self::Inherited(listener) => Ok(listener),
        }
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A port whose former connections are still closing (TIME_WAIT, socket(7)).
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Checks that a path is free, or belongs to a socket at which nobody listens any more.
fn check_free(path: &Path, failed: impl Fn(io::Error) -> HttpError) -> Result<(), HttpError> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.file_type().is_socket() => match StdUnixStream::connect(path) {
            Ok(_) => Err(HttpError::InUse(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
            Err(error) => Err(failed(error)),
        },
        Ok(_) => Err(HttpError::Occupied(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

/// Listens at a Unix socket, which has its permissions before it has its path.
fn listen_unix(
    socket: &HttpSocket,
    failed: impl Fn(io::Error) -> HttpError,
) -> Result<Listener, HttpError> {
    let group = socket.group.as_deref().map(group_id).transpose()?;
    check_free(&socket.path, &failed)?;
    let mut aside = socket.path.clone().into_os_string();
    aside.push(format!(".{}", std::process::id()));
    let aside = PathBuf::from(aside);
    let listen = || {
        let listener = UnixListener::bind(&aside)?;
        let file = aside.symlink_metadata()?;
        let file = File {
            path: aside.clone(),
            number: (file.dev(), file.ino()),
        };
        if group.is_some() {
            chown(&aside, None, group)?;
        }
        std::fs::set_permissions(&aside, PermissionsExt::from_mode(socket.mode))?;
        std::fs::rename(&aside, &socket.path)?;
        let file = File {
            path: socket.path.clone(),
            number: file.number,
        };
        Ok(Listener::Unix(listener, Some(file)))
    };
    listen().map_err(failed)
}

fn group_id(group: &str) -> Result<u32, HttpError> {
    let named = uzers::get_group_by_name(group).map(|group| group.gid());
    let found = named.or_else(|| group.parse().ok());
    found.ok_or_else(|| HttpError::Group(group.to_owned()))
}

impl Listener {
    /// Waits for a connection, and the address of its client at a network address.
    pub(super) async fn accept(&self) -> io::Result<(Box<dyn Io>, Option<IpAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // A reply of two parts would wait for the first one's acknowledgment.
                stream.set_nodelay(true)?;
                Ok((Box::new(stream), Some(address.ip())))
            }
            Self::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok((Box::new(stream), None))
            }
        }
    }
}
