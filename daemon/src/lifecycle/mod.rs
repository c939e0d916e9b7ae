//! Lifecycle of the daemon: one instance per socket, detachment, signals, and memory.

mod detach;
mod instance;
pub(crate) mod memory;
mod signals;

pub(crate) use detach::detach;
pub(crate) use instance::{InstanceError, InstanceLock};
pub(crate) use signals::Termination;
