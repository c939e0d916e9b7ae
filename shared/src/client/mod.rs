//! The client: connects to the daemon, starts it if none is running, and calls it.
//!
//! A [`Client`] connects when a call needs it; [`stop`] ends a daemon of any version.

mod autostart;
#[expect(clippy::module_inception, reason = "the file of the type `Client`")]
mod client;
mod connection;
mod error;
mod stop;

pub use autostart::find_gted;
pub use client::{Client, Start};
pub use error::ClientError;
pub use stop::stop;
