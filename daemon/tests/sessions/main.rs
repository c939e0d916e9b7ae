//! Sessions and the engine with a stand-in for the model, which can be slow or fail on purpose, and
//! with short timeouts.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "helpers of tests"
)]

mod daemon;
mod load;
mod second;
mod timeouts;
mod work;
