//! The client: connect, start the daemon when there is none, call it.
//!
//! A [`Link`] is a line to the daemon that is connected when it is needed; [`stop`] ends a daemon of
//! any build.

mod autostart;
mod connection;
mod error;
mod link;

pub use autostart::find_gted;
pub use connection::stop;
pub use error::ClientError;
pub use link::{Link, Start};
