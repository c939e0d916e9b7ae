//! Vectors in a Redis server, for all machines that use it. Whatever is wrong with it, requests are
//! answered as if it were not there.

mod connection;
mod counters;
mod error;
mod handle;
mod waiting;
mod writer;

pub use counters::SharedCacheStatus;
pub use error::SharedCacheUrlError;
pub(in crate::engine) use handle::Deadline;
pub use handle::{SharedCache, SharedVectors};
