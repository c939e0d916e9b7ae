//! Faults of the shared cache.

use redis::RedisError;

/// Failure to understand the address of a server.
#[derive(Debug, thiserror::Error)]
#[error("the address of the shared cache cannot be used: {0}")]
pub struct SharedCacheUrlError(pub(super) String);

impl SharedCacheUrlError {
    /// Next step for the user.
    #[must_use]
    pub fn hint(&self) -> String {
        "shared_cache is redis://HOST:PORT, with USER:PASSWORD@ before HOST and /DATABASE at the \
         end if needed"
            .to_owned()
    }
}

/// A fault, after which requests go on without the server.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The server cannot be reached.
    #[error("the server cannot be reached: {0}")]
    Unreachable(RedisError),
    /// A lookup was not answered in time.
    #[error("the server does not answer in time")]
    Late,
    /// A lookup was refused.
    #[error("the server refuses to look vectors up: {0}")]
    Lookup(RedisError),
    /// Vectors were refused, or not taken in time.
    #[error("the server does not keep vectors: {0}")]
    Write(RedisError),
    /// More vectors are computed than the server takes.
    #[error("the server takes vectors too slowly, and some are not kept")]
    Full,
    /// A value is not a vector of its model.
    #[error("a vector in it is damaged, and is computed again")]
    Damaged,
    /// A model cannot be told from others, so its vectors are not kept.
    #[error("a model cannot be told from others: {0}")]
    Model(String),
}
