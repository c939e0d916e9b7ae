//! Vectors kept on disk between two runs of the daemon, for a user who asks for it.
//!
//! The file has vectors and hashes, never texts. Whatever fails, the model computes: a fault is
//! reported once and bypassed.

mod budget;
mod error;
mod file;
mod handle;
mod keeper;
mod key;
mod value;

pub use handle::{DiskCache, ModelVectors};
