//! The daemon: the model and everything that touches it, and the commands of `gted`.
//!
//! The way of a text: [`serve`] reads a request, [`engine`] makes batches of token ids, [`model`]
//! makes vectors of them, and back.

#![deny(unsafe_code)]

pub mod bench;
pub mod command;
pub mod engine;
pub mod lifecycle;
pub mod model;
pub mod serve;
pub mod store;
pub mod weights;
