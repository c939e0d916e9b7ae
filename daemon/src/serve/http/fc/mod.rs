//! Alibaba Function Compute: the paths that it calls besides those of clients, and the lines on
//! stdout from which it counts invocations.

mod headers;
mod invocation_log;
mod invoke;
mod routes;

pub(super) use invocation_log::log_invocation;
pub(super) use routes::{events, hooks};
