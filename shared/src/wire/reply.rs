//! Replies of the daemon.

use serde::{Deserialize, Serialize};

use super::error_reply::ErrorReply;
use super::model_info::ModelInfo;
use super::status::Status;
use crate::score::Verdict;

/// Content of a frame from the daemon after the handshake: the request's id, and the outcome.
///
/// Id 0 is that of an error that belongs to no request; clients number theirs from 1.
pub type ReplyEnvelope = (u64, Result<Reply, ErrorReply>);

/// One successful reply. The order of the variants is part of the protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// To [`Similarity`](super::Similarity).
    Similarity(Computed<PairScore>),
    /// To [`Similarities`](super::Similarities).
    Similarities(Computed<Vec<PairScore>>),
    /// To [`Rank`](super::Rank).
    Ranking(Computed<Ranking>),
    /// To [`Embed`](super::Embed).
    Embeddings(Computed<Vec<Embedding>>),
    /// To [`GetStatus`](super::GetStatus).
    Status(Status),
    /// To [`Shutdown`](super::Shutdown): the daemon exits when what runs is done.
    Stopping,
    /// To [`UseModel`](super::UseModel): the model that answers from now on.
    Selected(ModelInfo),
}

/// A result together with the model that it comes from and the time that it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Computed<T> {
    /// Model that computed it.
    pub model: ModelInfo,
    /// Time that it took.
    pub timings: Timings,
    /// Result.
    pub result: T,
}

/// Time that one request took, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    /// From text to token ids.
    pub tokenize_micros: u64,
    /// From the queue to the last vector: waiting and computing.
    pub embed_micros: u64,
    /// The whole request inside the daemon.
    pub total_micros: u64,
}

/// Token count and truncation of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextInfo {
    /// Tokens that the model has read, `[CLS]` and `[SEP]` included.
    pub tokens: u32,
    /// True if the text was longer than the model reads, and its end was cut off.
    pub truncated: bool,
}

/// Score of one pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairScore {
    /// Cosine similarity of the two vectors, within [-1, 1].
    pub cosine: f32,
    /// Score between 0 and 100.
    pub similarity: f64,
    /// Verdict of the score.
    pub verdict: Verdict,
    /// The first text.
    pub a: TextInfo,
    /// The second text.
    pub b: TextInfo,
}

/// Texts in the order of their similarity to a query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// The query.
    pub query: TextInfo,
    /// The other texts, best first; equals keep the order of the request.
    pub hits: Vec<Hit>,
}

/// One text of a [`Ranking`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// Index in the request, from 0.
    pub index: u32,
    /// Cosine similarity to the query, within [-1, 1].
    pub cosine: f32,
    /// Score between 0 and 100.
    pub similarity: f64,
    /// Verdict of the score.
    pub verdict: Verdict,
    /// Token count and truncation.
    pub text: TextInfo,
}

/// The vector of one text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Embedding {
    /// [`ModelInfo::dimension`] values of unit length (L2).
    pub vector: Vec<f32>,
    /// Token count and truncation.
    pub text: TextInfo,
}
