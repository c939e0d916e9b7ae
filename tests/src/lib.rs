//! Test harness: sandboxes, daemons in them, a hub on loopback, a service manager, and a
//! pseudo-terminal.

#![forbid(unsafe_code)]
#![allow(
    clippy::case_sensitive_file_extension_comparisons,
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::panic,
    clippy::struct_excessive_bools,
    clippy::unwrap_used,
    reason = "tests"
)]

mod daemon;
mod fixtures;
mod http;
mod hub;
mod json;
mod sandbox;
mod scripted;
mod service_manager;
mod terminal;
mod wait;

pub use daemon::Daemon;
pub use fixtures::{
    GOLDEN_A, GOLDEN_B, GOLDEN_COSINE, INT8_TOLERANCE, fixture, has_golden_score, shared_fixture,
};
pub use http::{HttpConnection, HttpReply};
pub use hub::{COMMIT, Faults, Hub, Request};
pub use json::JsonConnection;
pub use sandbox::{Output, Sandbox, gted, program};
pub use scripted::{Answer, Scripted, socks_proxy};
pub use service_manager::ServiceUser;
pub use terminal::Terminal;
pub use wait::{TEST_TIMEOUT, wait_for, wait_until};
