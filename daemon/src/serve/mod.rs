//! The server: connections, sessions in both protocols, and one handler per request.
//!
//! Architecture invariant: this module knows no model; it calls the [`engine`](crate::engine).

mod activity;
mod admission;
mod binary;
mod context;
mod error;
mod handler;
mod json_lines;
mod listener;
mod offload;
mod peer;
mod recent;
mod scales;
mod second;
mod selected;
mod service;
mod session;
mod socket;
mod stream;

pub use listener::{refuse_waiting, serve};
pub use scales::{ModelScale, Scales};
pub use selected::{Loaded, Models};
pub use service::{Limits, Service, StartedBy};
pub use socket::{BindError, BoundSocket};
