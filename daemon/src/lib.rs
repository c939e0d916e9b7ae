//! The daemon: model, engine and server, and the commands of `gted`.
//!
//! The path of a text: [`serve`] reads a request, [`engine`] forms batches of token ids, [`model`]
//! computes their vectors, and [`serve`] writes the reply.

#![deny(unsafe_code)]

mod bench;
pub mod command;
pub mod engine;
mod eval;
#[cfg(fuzzing)]
pub mod fuzzing;
mod lifecycle;
pub mod model;
pub mod serve;
mod store;
mod weights;
