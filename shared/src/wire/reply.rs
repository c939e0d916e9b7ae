//! Replies of the daemon.

use serde::{Deserialize, Serialize};

use super::error_reply::ErrorReply;
use super::explained_word::ExplainedWord;
use super::model_info::ModelInfo;
use super::status::Status;
use super::text_info::TextInfo;
use crate::score::Verdict;

/// Content of a frame from the daemon after the handshake: the request's id, and the outcome.
///
/// Id 0 belongs to an error without a request; the ids of clients begin at 1.
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
    /// To [`Shutdown`](super::Shutdown): the daemon finishes its pending requests and exits.
    Stopping,
    /// To [`UseModel`](super::UseModel): the model that answers from now on.
    Selected(ModelInfo),
    /// To [`Explain`](super::Explain).
    Explanation(Computed<Explanation>),
}

/// A result, the model that computed it, and the time that it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Computed<T> {
    /// Model that computed the result.
    pub model: ModelInfo,
    /// Time that the request took.
    pub timings: Timings,
    /// Result.
    pub result: T,
}

/// Time that one request took, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    /// Time from text to token ids.
    pub tokenize_micros: u64,
    /// Time from the queue to the last vector: waiting and computing.
    pub embed_micros: u64,
    /// Time of the whole request inside the daemon.
    pub total_micros: u64,
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
    /// Reading of the first text.
    pub a: TextInfo,
    /// Reading of the second text.
    pub b: TextInfo,
    /// True if the texts differ, and have become the same tokens.
    pub same_tokens: bool,
}

/// A score, and what each word of both texts has to do with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// Score of the pair.
    pub score: PairScore,
    /// Words of the first text that were read, in their order, at most
    /// [`MAX_EXPLAINED_WORDS`](super::MAX_EXPLAINED_WORDS).
    pub a: Vec<ExplainedWord>,
    /// Words of the second text.
    pub b: Vec<ExplainedWord>,
}

/// Texts in the order of their similarity to a query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// Reading of the query.
    pub query: TextInfo,
    /// The other texts, best first; equal scores keep the order of the request.
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
    /// Reading of the text.
    pub text: TextInfo,
    /// True if the text differs from the query, and has become the same tokens.
    pub same_tokens: bool,
}

/// Vector of one text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Embedding {
    /// [`ModelInfo::dimension`] values of unit length (L2).
    pub vector: Vec<f32>,
    /// Reading of the text.
    pub text: TextInfo,
}
