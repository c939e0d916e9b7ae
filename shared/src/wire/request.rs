//! What a client can ask.

use serde::{Deserialize, Serialize};

/// The first frame of a connection, from the client.
///
/// This message and [`Welcome`](super::Welcome) keep their layout for ever: they are how two
/// builds find out that they do not understand each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Protocol number the client speaks.
    pub protocol: u32,
    /// Build of the client, for words only.
    pub build: String,
}

/// One request. The order of the variants is part of the protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// How similar two texts are.
    Similarity {
        /// One text.
        a: String,
        /// The other.
        b: String,
    },
    /// The same for many pairs, answered in their order.
    Similarities {
        /// The pairs.
        pairs: Vec<(String, String)>,
    },
    /// One text against many, answered best first.
    Rank {
        /// The text that all others are held against.
        query: String,
        /// The others.
        texts: Vec<String>,
    },
    /// The embedding vectors of texts, in their order.
    Embed {
        /// The texts.
        texts: Vec<String>,
    },
    /// What the daemon is doing.
    Status,
    /// Finish what runs, then leave.
    Shutdown,
    /// Answer with another model from now on, and after the next start.
    Use {
        /// An installed model, or the embedded one.
        model: String,
    },
}
