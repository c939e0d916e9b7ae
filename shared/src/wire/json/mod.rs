//! The JSON form of requests and replies: one object per line.
//!
//! The daemon speaks it on the same socket to connections that begin with `{`, and the commands of
//! `gte` print the same rows with `--json`.

mod decode;
mod reply;
mod request;
mod rows;

pub use decode::decode;
pub use reply::reply_line;
pub use request::parse_request;
pub use rows::{ExplanationRow, HitRow, PairRow, Source, TextRow, VectorRow, VectorSpace, WordRow};
