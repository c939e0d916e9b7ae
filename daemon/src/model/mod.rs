//! The model: from the token ids of a text to its vector.
//!
//! Architecture invariant: Burn is named only here and in [`weights`](crate::weights). The engine
//! sees the two traits that [`Tokenizer`] and [`Encoder`] implement.

mod bert;
mod compute;
mod config;
mod embedding;
mod encoder;
mod error;
mod extension;
mod fused;
mod loaded;
mod pooling;
#[cfg(test)]
mod reference;
mod source;
mod spec;
mod tokenizer;

pub use compute::Compute;
pub use config::BertConfig;
pub use encoder::Encoder;
pub use error::ModelError;
pub use extension::OpError;
pub use loaded::Model;
pub use source::{BUILTIN, Folder, PACK, Source, shard_files};
pub use tokenizer::Tokenizer;
