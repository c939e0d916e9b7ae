//! The process at the other end of a connection.

use interprocess::local_socket::traits::StreamCommon;

use super::error::EndpointError;

/// User id of root, who may speak for any user.
const ROOT: u32 = 0;

/// Checks that the process at the other end belongs to this user or to root (`SO_PEERCRED`,
/// unix(7)), and returns its process id. Both ends check it: permissions of files alone do not keep
/// another user from listening first where everybody can make a socket.
///
/// # Errors
///
/// [`EndpointError::Foreign`] if it belongs to another user.
pub fn check_peer(stream: &impl StreamCommon) -> Result<Option<u32>, EndpointError> {
    let peer = stream.peer_creds().map_err(EndpointError::UnknownPeer)?;
    let ours = rustix::process::geteuid().as_raw();
    match peer.euid() {
        Some(user) if user == ours || user == ROOT => {
            Ok(peer.pid().and_then(|pid| u32::try_from(pid).ok()))
        }
        Some(user) => Err(EndpointError::Foreign(user)),
        None => Err(EndpointError::UnknownPeer(
            std::io::ErrorKind::Unsupported.into(),
        )),
    }
}
