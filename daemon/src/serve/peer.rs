//! A connection: reading, writing, and the end of the client.

use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use interprocess::local_socket::tokio::Stream;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::sleep;

/// Time between two looks at a client whose requests are at work.
pub(super) const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// A connection. Clones share it, and it is closed when the last one is dropped.
#[derive(Clone, Debug)]
pub(super) struct Peer(Arc<Stream>);

impl Peer {
    pub(super) fn new(stream: Stream) -> Self {
        Self(Arc::new(stream))
    }

    /// Returns true if the client has closed the connection or has ended. A client that has closed
    /// its writing side alone still waits for replies (`POLLHUP` and `POLLRDHUP`, poll(2)).
    pub(super) fn has_hung_up(&self) -> bool {
        // `POLLHUP` is reported without being asked for.
        let Stream::UdSocket(socket) = &*self.0;
        let mut polled = [PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::empty())];
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        match poll(&mut polled, Some(&now)) {
            Ok(_) => polled[0]
                .revents()
                .intersects(PollFlags::HUP | PollFlags::ERR),
            // The next look will tell.
            Err(_) => false,
        }
    }

    /// Waits until the client has hung up. The connection need not be read meanwhile.
    pub(super) async fn hung_up(&self) {
        while !self.has_hung_up() {
            sleep(LOOK_INTERVAL).await;
        }
    }
}

impl AsyncRead for Peer {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Peer {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self.0).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self.0).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self.0).poll_shutdown(context)
    }
}
