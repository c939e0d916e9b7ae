//! The daemon's socket: one resolver of its path for both ends, the checks of its folder and of
//! the process at the other end, and the record of the daemon that holds it.

mod directory;
mod error;
mod holder;
mod limits;
mod peer;
mod resolve;

pub use error::EndpointError;
pub use holder::{AnsweringModel, Holder};
pub use limits::MAX_SOCKET_PATH_BYTES;
pub use peer::{Peer, check_peer};
pub use resolve::Endpoint;
