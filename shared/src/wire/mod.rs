//! The wire: what is said over the socket, and how it is written down.
//!
//! `PROTOCOL.md` beside this crate describes the bytes; its examples are checked by a test.
//!
//! Architecture invariant: the encoding (bincode) is named in [`codec`] alone. Everything above
//! sees typed requests and replies.

pub mod codec;
pub mod frame;
pub mod json;
mod reply;
mod request;

pub use reply::{
    Computed, Embedding, ErrorCode, ErrorReply, Hit, ModelCard, PairScore, Pooling, Precision,
    Ranking, Reply, Status, TextInfo, Timings, Welcome,
};
pub use request::{Hello, Request};

/// The four bytes that open a connection in the binary protocol.
pub const MAGIC: [u8; 4] = *b"GTE1";

/// Version of the messages inside the frames; both ends must name the same.
pub const PROTOCOL: u32 = 3;

/// The largest frame (its payload) and the longest JSON line, in either direction: 16 MiB.
///
/// Room for a million short texts or for 8,000 vectors of 512 numbers, and little enough that a
/// client in error cannot make the daemon hold much memory.
pub const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;

/// The most texts in one request.
///
/// Larger jobs go in several requests, which lets other clients in between and keeps one request's
/// share of the queue's memory small.
pub const MAX_TEXTS_PER_REQUEST: usize = 65_536;

/// What a frame from the client holds after the handshake: an id of its choice, and the request.
pub type RequestEnvelope = (u64, Request);

/// What a frame from the daemon holds after the handshake: the request's id, and the outcome.
///
/// Id 0 stands for an error that belongs to no request; clients number theirs from 1.
pub type ReplyEnvelope = (u64, Result<Reply, ErrorReply>);
