//! The engine: many small requests in, few good batches through the model.
//!
//! Architecture invariant: the engine knows neither sockets nor Burn. It sees a model through
//! [`Tokenize`] and [`Embed`], and is called through [`Engine::embed`].

mod backend;
mod cache;
mod cost;
mod disk_cache;
mod error;
mod job;
mod pending;
mod pooling;
mod progress;
mod queue;
mod remembered;
mod scheduler;
mod tokenizing;
mod turns;
mod worker;

pub use backend::{Embed, EmbedError, Tokenize, TokenizeError, Tokens};
pub(crate) use cost::batches;
pub use disk_cache::{DiskCache, ModelVectors};
pub use error::EngineError;
pub use job::CallerId;
pub(crate) use pooling::pool;
pub use queue::{Embedded, EmbeddedText, Engine, Limits};
