//! The client: connect, start the daemon when there is none, call it.
//!
//! [`Client`] is asynchronous and can have several requests in flight; [`connect`] and
//! [`connect_or_start`] make one; [`stop`] ends a daemon of any build.

mod autostart;
mod connection;
mod error;

pub use autostart::connect_or_start;
pub use connection::{Client, connect, stop};
pub use error::ClientError;
