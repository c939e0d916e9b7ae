//! Rows: the JSON objects of results, the same in replies and in the output of commands.

use serde::Serialize;

use crate::wire::model_info::Pooling;
use crate::wire::reply::{Computed, Embedding, Hit, PairScore, TextInfo};

/// The model of a result and the time that it took.
#[derive(Clone, Debug, Serialize)]
pub struct Source<'a> {
    /// Name of the model.
    pub model: &'a str,
    /// Time of the whole request inside the daemon, in microseconds.
    pub micros: u64,
}

impl<'a> Source<'a> {
    /// Source of a computed reply.
    pub fn of<T>(computed: &'a Computed<T>) -> Self {
        Self {
            model: &computed.model.id,
            micros: computed.timings.total_micros,
        }
    }
}

/// A scored pair.
#[derive(Clone, Debug, Serialize)]
pub struct PairRow<'a> {
    /// Score between 0 and 100.
    pub similarity: f64,
    /// Cosine similarity.
    pub cosine: f32,
    /// Text of the verdict.
    pub interpretation: &'a str,
    /// Token count and truncation of the first text.
    pub a: TextInfo,
    /// Token count and truncation of the second text.
    pub b: TextInfo,
}

impl<'a> PairRow<'a> {
    /// Creates the row of a score; `interpretation` is its verdict in the reader's language.
    #[must_use]
    pub fn new(score: &PairScore, interpretation: &'a str) -> Self {
        Self {
            similarity: score.similarity,
            cosine: score.cosine,
            interpretation,
            a: score.a,
            b: score.b,
        }
    }
}

/// A text of a ranking.
#[derive(Clone, Debug, Serialize)]
pub struct HitRow<'a> {
    /// Score between 0 and 100.
    pub similarity: f64,
    /// Cosine similarity to the query.
    pub cosine: f32,
    /// Text of the verdict.
    pub interpretation: &'a str,
    /// Token count and truncation.
    #[serde(flatten)]
    pub text: TextInfo,
}

impl<'a> HitRow<'a> {
    /// Creates the row of a hit; `interpretation` is its verdict in the reader's language.
    #[must_use]
    pub fn new(hit: &Hit, interpretation: &'a str) -> Self {
        Self {
            similarity: hit.similarity,
            cosine: hit.cosine,
            interpretation,
            text: hit.text,
        }
    }
}

/// The vector of a text.
#[derive(Clone, Debug, Serialize)]
pub struct VectorRow<'a> {
    /// Values of a vector of unit length (L2).
    pub embedding: &'a [f32],
    /// Token count and truncation.
    #[serde(flatten)]
    pub text: TextInfo,
}

impl<'a> From<&'a Embedding> for VectorRow<'a> {
    fn from(embedding: &'a Embedding) -> Self {
        Self {
            embedding: &embedding.vector,
            text: embedding.text,
        }
    }
}

/// Length and pooling of vectors.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct VectorSpace {
    /// Values per vector.
    pub dimension: u32,
    /// Pooling of hidden states to a vector.
    pub pooling: Pooling,
}

impl VectorSpace {
    /// Space of the vectors of a computed reply.
    pub fn of<T>(computed: &Computed<T>) -> Self {
        Self {
            dimension: computed.model.dimension,
            pooling: computed.model.pooling,
        }
    }
}
