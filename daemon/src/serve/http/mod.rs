//! HTTP: the third protocol of the daemon's socket, and a service at an address of its own.
//!
//! A request goes through these files: `bound`, `listener` and `server` accept its connection,
//! `http1` and `timed` read its head, `router`, `observe` and `access` lead it to a route (`api`,
//! `openai`, `tei`, `ops`), `message` reads its body, and `exchange` has it answered by the
//! handlers of all protocols.

mod access;
mod api;
mod bound;
mod caller_name;
mod connection;
mod dialect;
mod dimensions;
mod error;
mod exchange;
mod failure;
mod fc;
mod function;
mod http1;
mod inputs;
mod listener;
mod message;
mod observe;
mod open_connections;
mod openai;
mod ops;
mod progress;
mod rate_limit;
mod reply_body;
mod rest_of_body;
mod router;
mod server;
mod session;
mod tei;
mod timed;
mod tls;
mod tokens;
mod unix_socket;

pub use bound::HttpBound;
pub use error::HttpError;
pub use function::HttpFunction;
pub(super) use function::{malformed, too_large};
pub(super) use observe::REQUEST_ID;
pub(super) use router::{is_route, own_routes};
pub use server::{HttpListener, HttpRules, HttpServer, HttpSettings};
pub(super) use session::{refuse, serve};
