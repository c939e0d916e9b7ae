//! The handshake of the binary protocol.

use serde::{Deserialize, Serialize};

/// The four bytes that open a connection in the binary protocol.
pub const MAGIC: [u8; 4] = *b"GTE1";

/// Version of the messages inside the frames; both ends must have the same one.
pub const PROTOCOL: u32 = 7;

/// The first frame of a connection, from the client.
///
/// This message and [`Welcome`] keep their layout for ever: with them, two versions find out that
/// their protocols differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Protocol number of the client.
    pub protocol: u32,
    /// Version of the client, for people only.
    pub version: String,
}

/// The daemon's answer to [`Hello`] when it speaks the same protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// Protocol number of the daemon.
    pub protocol: u32,
    /// Version of the daemon, for people only.
    pub version: String,
}
