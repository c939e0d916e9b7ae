//! Limits of the sessions.

use std::time::Duration;

use gte_shared::wire::STALL_TIMEOUT;

/// Limits of the sessions.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most connections at a time; further ones wait until one is closed. Each needs a file
    /// descriptor, of which a process has 1,024 by default.
    pub connections: usize,
    /// Most requests of one connection at a time; further ones are read when one is answered.
    pub requests_in_flight: usize,
    /// Most bytes of requests that are being read or wait, in all connections; further ones are
    /// read when there is room.
    pub frame_bytes: usize,
    /// Most memory of requests at work, in all connections: texts, token ids, vectors and replies,
    /// until the replies are written. Further requests wait.
    pub request_bytes: usize,
    /// Longest wait of a request for those of other connections.
    pub admission_timeout: Duration,
    /// Timeout of a new connection, from its opening to the end of the handshake.
    pub handshake_timeout: Duration,
    /// Longest pause of a client inside a message, sending or receiving.
    pub stall_timeout: Duration,
    /// Time for pending requests to be answered after the service has stopped.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            requests_in_flight: 64,
            // Four of the largest, and the shares of smaller ones.
            frame_bytes: 86 << 20,
            // One of the largest with a model of 512 dimensions, or six of 8,000 vectors, and the
            // shares of smaller ones.
            request_bytes: 384 << 20,
            admission_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(10),
            stall_timeout: STALL_TIMEOUT,
            drain_timeout: Duration::from_secs(30),
        }
    }
}
