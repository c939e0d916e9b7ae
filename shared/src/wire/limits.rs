//! Limits of both protocols.

use std::time::Duration;

/// Size of a frame's payload and of a JSON line at most, in either direction: 16 MiB.
///
/// Room for a million short texts or for 8,000 vectors of 512 values, and little enough that a faulty
/// client cannot make the daemon hold much memory.
pub const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;

/// Texts in one request at most.
///
/// Larger jobs go in several requests, which lets other clients in between and keeps one request's
/// share of the queue's memory small.
pub const MAX_TEXTS_PER_REQUEST: usize = 65_536;

/// Pause inside a frame or a line at most: 30 s.
///
/// Between messages a connection may rest as long as it likes. A client that stops in the middle of a
/// message is faulty, and its connection is closed.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(30);
