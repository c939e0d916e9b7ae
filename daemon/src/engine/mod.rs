//! The engine: many small requests in, few good batches through the model.
//!
//! Architecture invariant: the engine knows neither sockets nor Burn. It sees a model through
//! [`Tokenize`] and [`Embed`], and is called through [`Engine::embed`].

mod admission;
mod backend;
mod cache;
mod error;
mod queue;
mod scheduler;
mod worker;

pub use backend::{Embed, EmbedError, Tokenize, TokenizeError, Tokens};
pub use error::EngineError;
pub use queue::{Embedded, Engine, Limits};
pub(crate) use scheduler::MAX_TOKENS;
