//! Limits of both protocols.

use std::time::Duration;

/// Most bytes of a frame's payload and of a JSON line, in either direction: 16 MiB.
///
/// Enough for a million short texts or for 8,000 vectors of 512 values, and so little that a faulty
/// client cannot make the daemon hold much memory.
pub const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;

/// Most texts in one request.
///
/// Larger jobs go in several requests, which lets other clients in between and keeps each request's
/// share of the queue's memory small.
pub const MAX_TEXTS_PER_REQUEST: usize = 65_536;

/// Longest pause inside a frame or a line: 30 s.
///
/// Between messages a connection may be idle without a limit. A client that stops in the middle of
/// a message is faulty, and its connection is closed.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(30);
