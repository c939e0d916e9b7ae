//! Lifecycle of the daemon: one instance per socket, detachment, the service manager, signals, and
//! memory.

mod activation;
pub(crate) mod descriptors;
mod detach;
mod instance;
pub(crate) mod memory;
pub(crate) mod service_manager;
mod signals;
pub(crate) mod units;

pub(crate) use activation::{InheritedSocket, InheritedSockets, inherited_sockets};
pub(crate) use detach::detach;
pub(crate) use instance::{IfHeld, InstanceError, InstanceLock};
pub(crate) use signals::{Signal, Signals};
