//! The daemon: the model and everything that touches it. (The commands are in the program itself,
//! `src/command`.)
//!
//! A text's way through: [`serve`] reads a request, [`engine`] makes batches of token ids,
//! [`model`] makes vectors of them, and the way back.

pub mod engine;
pub mod lifecycle;
pub mod model;
pub mod serve;
pub mod store;
pub mod weights;
