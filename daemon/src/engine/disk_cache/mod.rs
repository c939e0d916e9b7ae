//! Vectors kept on disk between two runs of the daemon, for a user who asks for it.
//!
//! The file has vectors and hashes, never texts. Whatever fails, the model computes: a fault is
//! logged, counted and bypassed.

mod budget;
mod database;
mod error;
mod file;
mod handle;
mod keeper;
mod shared;

pub(super) use handle::Deadline;
pub use handle::{DiskCache, ModelVectors};
