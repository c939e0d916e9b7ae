//! What `gted` and everything that talks to it must agree on.
//!
//! - [`wire`]: the requests, the replies, the frames and the codec;
//! - [`endpoint`]: where the daemon's socket is;
//! - [`client`]: connecting, starting the daemon when there is none, calling it;
//! - [`score`]: from a cosine to a score and a verdict;
//! - [`models`]: models as `gted` tells other programs of them;
//! - [`report`]: the end of a program that failed.
//!
//! Architecture invariant: this crate knows neither the model nor the terminal, and it is the
//! only thing that the daemon and the terminal program have in common.

pub mod client;
pub mod endpoint;
pub mod models;
pub mod report;
pub mod score;
pub mod wire;

/// The build that both ends name in the handshake and in `--version`.
pub const BUILD: &str = env!("CARGO_PKG_VERSION");

/// Exit status of `gted serve` when another daemon already holds the socket.
///
/// Part of the contract between the two programs: a client that loses the race to start a daemon
/// sees it and waits for the winner.
pub const EXIT_ALREADY_RUNNING: u8 = 3;
