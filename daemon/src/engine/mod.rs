//! The engine: many small requests in, few good batches through the model.
//!
//! Architecture invariant: the engine knows neither sockets nor Burn; the library of its shared
//! cache has a connection. It sees a model through
//! [`Tokenize`] and [`Embed`], and is called through [`Engine::embed`] and [`Engine::explain`].

mod alignment;
mod backend;
mod cache;
mod cost;
mod disk_cache;
mod embedded;
mod error;
mod explain;
mod fault_log;
mod job;
mod pending;
mod pooling;
mod progress;
mod queue;
mod remembered;
mod scheduler;
mod shared_cache;
mod tokenizing;
mod turns;
mod vector_key;
mod vector_value;
mod worker;

pub use backend::{
    Embed, EmbedError, ListedToken, Tokenize, TokenizeError, TokenizedWords, Tokens, Word,
};
pub(crate) use cost::batches;
pub use disk_cache::{DiskCache, ModelVectors};
pub use embedded::{Embedded, EmbeddedText};
pub use error::EngineError;
pub use explain::{Explained, ExplainedText, ExplainedWord};
pub use job::CallerId;
pub(crate) use pooling::pool;
pub use queue::{Engine, Limits};
pub use remembered::KeptVectors;
pub use shared_cache::{SharedCache, SharedCacheStatus, SharedCacheUrlError, SharedVectors};
