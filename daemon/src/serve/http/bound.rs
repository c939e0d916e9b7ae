//! Sockets of HTTP that are bound, and at which nobody is answered yet.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use gte_shared::settings::HttpAddress;
use gte_shared::wire::ErrorReply;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tokio::time::timeout;

use super::error::HttpError;
use super::listener::Listener;
use super::session::refusal;
use super::unix_socket::{BACKLOG, UnixSocket};

/// Wait for a connection after which no other one is waiting.
const LAST_CONNECTION: Duration = Duration::from_millis(20);

/// A socket that is bound.
pub struct HttpBound {
    address: HttpAddress,
    socket: Socket,
}

enum Socket {
    Tcp(TcpSocket),
    Unix(UnixSocket),
    /// A socket of a service manager, which listens already.
    Inherited(Listener),
}

impl HttpBound {
    /// Binds an address. It is refused here if another program listens there.
    ///
    /// # Errors
    ///
    /// If the address is taken, or the system refuses.
    pub fn bind(address: HttpAddress) -> Result<Self, HttpError> {
        let failed = |source| HttpError::Listen {
            address: address.clone(),
            source,
        };
        let socket = match &address {
            HttpAddress::Tcp(address) => Socket::Tcp(bind_tcp(*address).map_err(failed)?),
            HttpAddress::Unix(socket) => Socket::Unix(UnixSocket::check(socket)?),
        };
        Ok(Self { address, socket })
    }

    /// Takes over a listening socket of a service manager, which is bound to `address`.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn inherit(descriptor: OwnedFd, address: HttpAddress) -> Result<Self, HttpError> {
        let listener = match &address {
            HttpAddress::Tcp(_) => inherit_tcp(descriptor),
            HttpAddress::Unix(_) => inherit_unix(descriptor),
        };
        let listener = listener.map_err(|source| HttpError::Listen {
            address: address.clone(),
            source,
        })?;
        Ok(Self {
            address,
            socket: Socket::Inherited(listener),
        })
    }

    /// Address that it is bound to.
    #[must_use]
    pub fn address(&self) -> &HttpAddress {
        &self.address
    }

    /// Listens from now on; returns the address with the port that the system has chosen for 0.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub(super) fn listen(self) -> Result<(Listener, HttpAddress), HttpError> {
        let address = self.address;
        let failed = |source| HttpError::Listen {
            address: address.clone(),
            source,
        };
        let listener = match self.socket {
            Socket::Tcp(socket) => Listener::Tcp(socket.listen(BACKLOG).map_err(failed)?),
            Socket::Unix(socket) => {
                let (listener, file) = socket.listen()?;
                Listener::Unix(listener, Some((socket, file)))
            }
            Socket::Inherited(listener) => listener,
        };
        let address = match &listener {
            Listener::Tcp(tcp) => HttpAddress::Tcp(tcp.local_addr().map_err(failed)?),
            Listener::Unix(..) => address,
        };
        Ok((listener, address))
    }

    /// Answers the clients that wait at a service manager's socket with the reason why the daemon
    /// cannot start. Left there, they would have the service manager start it again at once.
    pub async fn refuse_waiting(self, reason: &ErrorReply) {
        let Socket::Inherited(listener) = self.socket else {
            return;
        };
        let refusal = refusal(reason);
        while let Ok(Ok((mut stream, _))) = timeout(LAST_CONNECTION, listener.accept()).await {
            // Who has gone already is told nothing.
            drop(timeout(LAST_CONNECTION, stream.write_all(&refusal)).await);
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

fn inherit_tcp(descriptor: OwnedFd) -> io::Result<Listener> {
    let listener = std::net::TcpListener::from(descriptor);
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener).map(Listener::Tcp)
}

fn inherit_unix(descriptor: OwnedFd) -> io::Result<Listener> {
    let listener = std::os::unix::net::UnixListener::from(descriptor);
    listener.set_nonblocking(true)?;
    Ok(Listener::Unix(UnixListener::from_std(listener)?, None))
}
