//! Lifecycle of the daemon: one instance per socket, signals, and memory.

mod instance;
pub(crate) mod memory;
mod signals;

pub(crate) use instance::{InstanceError, InstanceLock};
pub(crate) use signals::Termination;
