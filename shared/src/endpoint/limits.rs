//! Limits of the endpoint.

/// Longest path of a Unix socket, in bytes: `sun_path` of `sockaddr_un` without its closing NUL
/// (unix(7)).
pub const MAX_SOCKET_PATH_BYTES: usize = 107;
