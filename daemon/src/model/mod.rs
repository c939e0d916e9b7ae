//! The model, which computes the vector of a text from its token ids.
//!
//! Architecture invariant: Burn is named only here and in `weights`. The engine sees the two traits
//! that [`Tokenizer`] and [`Encoder`] implement.

#[cfg(test)]
mod bert;
mod compute;
mod config;
mod embedding;
mod encoder;
mod error;
mod extension;
mod fingerprint;
mod fused;
mod instead;
mod json_file;
mod limits;
mod listed_tokens;
mod loaded;
mod packing;
mod pipeline;
mod pooling;
mod reading;
#[cfg(test)]
mod reference;
mod source;
mod spec;
mod tensors;
mod text_steps;
mod timings;
mod tokenizer;
mod tokenizer_config;
mod windows;
mod words;

pub use compute::Compute;
pub(crate) use config::BertConfig;
pub use encoder::Encoder;
pub use error::ModelError;
pub use fingerprint::{FilesFingerprint, content_fingerprint};
pub use instead::Instead;
pub(crate) use limits::SENTENCE_CONFIGS;
pub use loaded::Model;
pub(crate) use pipeline::{MODULES, PIPELINE, POOLING, module_files};
pub(crate) use source::{BUILTIN, PACK, shard_files};
pub use source::{Folder, Source};
pub(crate) use timings::{Spent, Stopwatch};
pub use tokenizer::Tokenizer;
