//! Errors that end a session.

use gte_shared::VERSION;
use gte_shared::printable::printable;
use gte_shared::wire::codec::CodecError;
use gte_shared::wire::frame::FrameError;
use gte_shared::wire::{Hello, PROTOCOL};

/// Error that ends a session.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error("no request within the handshake timeout")]
    Silent,
    #[error("the connection opened with none of the protocols")]
    UnknownProtocol,
    #[error(
        "the client (version {version}) speaks protocol {protocol}, this daemon (version {VERSION}) \
         protocol {PROTOCOL}: {}",
        outdated(*protocol)
    )]
    Mismatch { protocol: u32, version: String },
    #[error("the client has gone with requests unanswered")]
    Gone,
    #[error("the client stopped reading replies")]
    NotReading,
    #[error("the first frame is not a greeting: {0}")]
    Handshake(#[from] CodecError),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the HTTP connection failed: {0}")]
    Http(#[from] hyper::Error),
    #[error("the connection failed: {0}")]
    Io(#[from] std::io::Error),
}

/// Most characters of a client's version in a log: several times as many as ours has.
const MAX_VERSION_CHARS: usize = 64;

impl SessionError {
    /// Error for a client that speaks another protocol.
    pub(super) fn mismatch(hello: &Hello) -> Self {
        Self::Mismatch {
            protocol: hello.protocol,
            version: printable(&hello.version, MAX_VERSION_CHARS),
        }
    }
}

/// Next step if the client speaks `protocol`.
fn outdated(protocol: u32) -> &'static str {
    if protocol < PROTOCOL {
        "update the client"
    } else {
        "update gted, then run `gte stop`"
    }
}
