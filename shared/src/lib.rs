//! Everything that `gted` and its clients must agree on.
//!
//! - [`wire`]: the requests, the replies, the frames and the codec;
//! - [`endpoint`]: the daemon's socket;
//! - [`client`]: connecting, starting the daemon when there is none, calling it;
//! - [`score`]: from a cosine to a score and a verdict;
//! - [`models`]: models as `gted` describes them to other programs;
//! - [`report`]: the end of a program that failed;
//! - [`output`]: JSON lines, and messages on stderr;
//! - [`environment`]: environment variables that are set and not empty;
//! - [`settings`]: options, environment variables and the configuration file;
//! - [`printable`]: text from elsewhere, made fit to be printed;
//! - [`private_file`]: files that only their owner may read and write.
//!
//! Architecture invariant: this crate knows neither the model nor the terminal, and it is the only
//! thing that the daemon and the terminal program have in common.

#![forbid(unsafe_code)]

pub mod client;
pub mod endpoint;
pub mod environment;
pub mod models;
pub mod output;
pub mod printable;
pub mod private_file;
pub mod report;
pub mod score;
pub mod settings;
mod version;
pub mod wire;

pub use version::{EXIT_ALREADY_RUNNING, VERSION};
