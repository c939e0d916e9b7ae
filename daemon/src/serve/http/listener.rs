//! Listening sockets of HTTP, and the connections that they accept.

use std::io;
use std::net::IpAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};

use super::error::HttpError;
use super::unix_socket::{File, UnixSocket};

/// A connection.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A listening socket.
pub(super) enum Listener {
    Tcp(TcpListener),
    /// A Unix socket, and its file unless a service manager has made it.
    Unix(UnixListener, Option<(UnixSocket, File)>),
}

impl Listener {
    /// Listens anew if the file of its socket has been removed. Returns true if it has.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub(super) fn keep_in_place(&mut self) -> Result<bool, HttpError> {
        let Self::Unix(listener, Some((socket, file))) = self else {
            return Ok(false);
        };
        if !socket.is_removed() {
            return Ok(false);
        }
        (*listener, *file) = socket.listen()?;
        Ok(true)
    }

    /// Waits for a connection, and the address of its client at a network address.
    pub(super) async fn accept(&self) -> io::Result<(Box<dyn Io>, Option<IpAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // A reply of two parts would wait for the first one's acknowledgment.
                // Fails if the client has gone already, as reading will.
                drop(stream.set_nodelay(true));
                Ok((Box::new(stream), Some(address.ip())))
            }
            Self::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok((Box::new(stream), None))
            }
        }
    }
}
