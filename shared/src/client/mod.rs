//! The client: connects to the daemon, starts it if none is running, and calls it.
//!
//! A [`Client`] connects when a call needs it; [`stop`] ends a daemon of any version; a [`Notice`]
//! is what the user should know besides the answer.

mod autostart;
#[expect(clippy::module_inception, reason = "the file of the type `Client`")]
mod client;
mod connection;
mod error;
mod find;
mod notice;
mod stop;
mod upgrade;

pub use client::{Client, Start};
pub use error::ClientError;
pub use find::find_gted;
pub use notice::Notice;
pub use stop::{stop, stop_if_started_by_client};
