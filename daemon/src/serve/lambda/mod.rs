//! AWS Lambda: events instead of connections.
//!
//! An event goes through these files: `runtime` takes it from Lambda, `event` tells what it is,
//! `http_event` makes a request of it, `function` has it answered by the routes of HTTP or as a
//! request line, `http_reply` writes the reply in the form of the event's origin, and `metrics`
//! writes a line for CloudWatch.

mod error;
mod event;
mod function;
mod http_event;
mod http_reply;
mod metrics;
mod runtime;

pub use error::LambdaError;
pub use function::Function;
pub use runtime::{RUNTIME_API, check_variables, report_init_error};
