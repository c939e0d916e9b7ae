//! The wire: the messages on the socket and their encodings.
//!
//! `PROTOCOL.md` beside this crate describes the bytes, and a test checks its examples.
//!
//! Architecture invariant: the encoding (bincode) is named in [`codec`] alone. Everything above
//! sees typed requests and replies.

pub mod codec;
mod error_reply;
mod explained_word;
pub mod frame;
mod handshake;
pub mod json;
mod limits;
mod model_info;
mod reply;
mod request;
mod status;
mod text_info;
mod text_rules;

pub use error_reply::{ErrorCode, ErrorReply};
pub use explained_word::{ClosestWord, ExplainedWord, MAX_EXPLAINED_WORDS, ScoreWithout};
pub use handshake::{Hello, MAGIC, PROTOCOL, Welcome};
pub use limits::{MAX_FRAME_BYTES, MAX_TEXTS_PER_REQUEST, STALL_TIMEOUT};
pub use model_info::{ModelInfo, Pooling, Precision};
pub use reply::{
    Computed, Embedding, Explanation, Hit, PairScore, Ranking, Reply, ReplyEnvelope, Timings,
};
pub use request::{
    Call, Embed, Explain, GetStatus, Rank, Request, RequestEnvelope, Shutdown, Similarities,
    Similarity, UseModel,
};
pub use status::{CacheStatus, DiskCacheStatus, Latency, State, Status};
pub use text_info::{MAX_UNKNOWN_PLACES, TextInfo};
pub use text_rules::{TextOptions, TextRules, TextStep, TextSteps, Truncation};
