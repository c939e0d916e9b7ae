//! Everything that `gted` and its clients must agree on.
//!
//! - [`wire`]: the requests, the replies, the frames and the codec;
//! - [`endpoint`]: the daemon's socket;
//! - [`client`]: connecting, starting the daemon when there is none, calling it;
//! - [`score`]: from a cosine to a score and a verdict;
//! - [`models`]: models as `gted` tells other programs of them;
//! - [`report`]: the end of a program that failed.
//!
//! Architecture invariant: this crate knows neither the model nor the terminal, and it is the only
//! thing that the daemon and the terminal program have in common.

#![forbid(unsafe_code)]

pub mod client;
pub mod endpoint;
pub mod models;
pub mod report;
pub mod score;
mod version;
pub mod wire;

pub use version::{EXIT_ALREADY_RUNNING, VERSION};
