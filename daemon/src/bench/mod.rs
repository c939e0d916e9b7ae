//! Measurement of the speed of a model, without printing.

mod batches;
mod cold;
mod lines;
mod machine;
mod operations;
mod random_model;

pub(crate) use batches::{BatchTime, time_batches};
pub(crate) use cold::{Phase, time_cold_start};
pub(crate) use lines::{Throughput, time_lines};
pub(crate) use machine::MachinePeak;
pub(crate) use random_model::Shape;
