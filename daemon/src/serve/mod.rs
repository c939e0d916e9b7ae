//! The server: connections, sessions in three protocols, and one handler per request.
//!
//! Architecture invariant: this module knows no model; it calls the [`engine`](crate::engine).

mod activity;
mod admission;
mod binary;
mod context;
mod error;
mod handler;
mod http;
mod json_lines;
mod limits;
mod listener;
mod metrics;
mod offload;
mod peer;
mod recent;
mod resident;
mod scales;
mod second;
mod selected;
mod service;
mod session;
mod socket;
mod stream;

pub use http::{HttpBound, HttpError, HttpListener, HttpRules, HttpServer, HttpSettings};
pub use limits::Limits;
pub use listener::{refuse_waiting, serve};
pub use scales::{ModelScale, Scales};
pub use selected::{Loaded, Models};
pub use service::{Service, StartedBy};
pub use socket::{BindError, BoundSocket};
