//! The process at the other end of a connection.

use interprocess::local_socket::tokio::Stream;

use super::error::EndpointError;

/// User id of root, who may speak for any user.
const ROOT: u32 = 0;

/// User id of an end that is not connected (unix(7)).
const NOBODY: u32 = u32::MAX;

/// Process at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Process id; `None` for a process in another namespace, such as outside of a container.
    pub pid: Option<u32>,
}

/// Checks that the process at the other end belongs to this user or to root (`SO_PEERCRED`,
/// unix(7)). Both ends check it: permissions of files alone do not keep another user from listening
/// first where everybody can make a socket.
///
/// # Errors
///
/// [`EndpointError::Foreign`] if it belongs to another user; [`EndpointError::NotConnected`] if the
/// listener had no room for the connection.
pub fn check_peer(stream: &Stream) -> Result<Peer, EndpointError> {
    let Stream::UdSocket(socket) = stream;
    let peer = socket.inner().peer_cred();
    let peer = peer.map_err(EndpointError::UnknownPeer)?;
    let ours = rustix::process::geteuid().as_raw();
    match peer.uid() {
        NOBODY => Err(EndpointError::NotConnected),
        user if user == ours || user == ROOT => {
            let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok());
            Ok(Peer {
                pid: pid.filter(|pid| *pid > 0),
            })
        }
        user => Err(EndpointError::Foreign(user)),
    }
}
