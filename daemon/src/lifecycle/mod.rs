//! The daemon's life: one instance a socket, and the signals that end it.

mod instance;
pub mod memory;
mod signals;

pub use instance::{InstanceError, InstanceLock};
pub use signals::Termination;
