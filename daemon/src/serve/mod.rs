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
mod lambda;
mod limits;
mod listener;
mod metrics;
mod offload;
mod peer;
mod recent;
mod request_line;
mod resident;
mod scales;
mod second;
mod selected;
mod service;
mod session;
mod socket;
mod started_by;
mod stream;

pub use http::{
    HttpBound, HttpError, HttpFunction, HttpListener, HttpRules, HttpServer, HttpSettings,
};
pub use lambda::{Function, LambdaError, RUNTIME_API, check_variables, report_init_error};
pub use limits::Limits;
pub use listener::{refuse_waiting, serve};
pub use scales::{ModelScale, Scales};
pub use selected::{Loaded, Models};
pub use service::Service;
pub use socket::{BindError, BoundSocket};
pub use started_by::StartedBy;
