//! Measurement of how fast a model computes, without printing.

mod batches;
mod lines;
mod machine;
mod operations;
mod random_model;

pub use batches::{BatchTime, time_batches};
pub use lines::{Throughput, time_lines};
pub use machine::MachinePeak;
pub use random_model::{RandomError, Shape};
