//! Rows: the JSON objects of results, the same in replies and in the output of commands.

use serde::Serialize;

use crate::score::Scale;
use crate::wire::explained_word::{ClosestWord, ExplainedWord, ScoreWithout};
use crate::wire::model_info::Pooling;
use crate::wire::reply::{Computed, Embedding, Explanation, Hit, PairScore};
use crate::wire::text_info::TextInfo;
use crate::wire::text_rules::{TextSteps, Truncation};

/// The model of a result and the time that it took.
#[derive(Clone, Debug, Serialize)]
pub struct Source<'a> {
    /// Name of the model.
    pub model: &'a str,
    /// Steps before the texts were tokenized.
    pub text_steps: TextSteps,
    /// Treatment of long texts.
    pub truncation: Truncation,
    /// Meaning of the scores, and how it is known.
    #[serde(flatten)]
    pub scale: Scale,
    /// Time of the whole request inside the daemon, in microseconds.
    pub micros: u64,
}

impl<'a> Source<'a> {
    /// Source of a computed reply.
    pub fn of<T>(computed: &'a Computed<T>) -> Self {
        Self {
            model: &computed.model.id,
            text_steps: computed.model.rules.text_steps,
            truncation: computed.model.rules.truncation,
            scale: computed.model.scale,
            micros: computed.timings.total_micros,
        }
    }
}

/// Reading of a text. Keys that say nothing are left out.
#[derive(Clone, Debug, Serialize)]
pub struct TextRow<'a> {
    /// Number of tokens that the model has read.
    pub tokens: u32,
    /// Number of tokens of the whole text.
    pub total_tokens: u32,
    /// True if a part of the text was not read.
    pub truncated: bool,
    /// Offset of the cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_at: Option<u32>,
    /// Number of windows, if there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub windows: Option<u32>,
    /// Number of unknown tokens.
    pub unknown: u32,
    /// Offsets of the first of them.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub unknown_at: &'a [(u32, u32)],
    /// Steps that have changed the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<TextSteps>,
}

impl<'a> From<&'a TextInfo> for TextRow<'a> {
    fn from(info: &'a TextInfo) -> Self {
        Self {
            tokens: info.tokens,
            total_tokens: info.total_tokens,
            truncated: info.is_truncated(),
            cut_at: info.cut_at,
            windows: (info.windows > 1).then_some(info.windows),
            unknown: info.unknown,
            unknown_at: &info.unknown_at,
            changed_by: Some(info.changed_by).filter(|steps| *steps != TextSteps::NONE),
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
    /// True if the texts differ, and have become the same tokens.
    pub same_tokens: bool,
    /// Reading of the first text.
    pub a: TextRow<'a>,
    /// Reading of the second text.
    pub b: TextRow<'a>,
}

impl<'a> PairRow<'a> {
    /// Creates the row of a score; `interpretation` is its verdict in the reader's language.
    #[must_use]
    pub fn new(score: &'a PairScore, interpretation: &'a str) -> Self {
        Self {
            similarity: score.similarity,
            cosine: score.cosine,
            interpretation,
            same_tokens: score.same_tokens,
            a: TextRow::from(&score.a),
            b: TextRow::from(&score.b),
        }
    }
}

/// An explanation of a score.
#[derive(Clone, Debug, Serialize)]
pub struct ExplanationRow<'a> {
    /// Words of the first text.
    pub a: Vec<WordRow<'a>>,
    /// Words of the second text.
    pub b: Vec<WordRow<'a>>,
}

impl<'a> From<&'a Explanation> for ExplanationRow<'a> {
    fn from(explanation: &'a Explanation) -> Self {
        let rows = |words: &'a [ExplainedWord]| {
            let score = explanation.score.similarity;
            words.iter().map(|word| WordRow::new(word, score)).collect()
        };
        Self {
            a: rows(&explanation.a),
            b: rows(&explanation.b),
        }
    }
}

/// A word of an explained pair. Keys without a value are left out.
#[derive(Clone, Debug, Serialize)]
pub struct WordRow<'a> {
    /// Word as it was sent.
    pub word: &'a str,
    /// Offset of its first character.
    pub from: u32,
    /// Offset behind its last character.
    pub to: u32,
    /// Score of the pair without this word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without: Option<ScoreWithout>,
    /// Score of the pair less that without this word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<f64>,
    /// Most similar word of the other text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closest: Option<ClosestWord>,
}

impl<'a> WordRow<'a> {
    /// Creates the row of a word of a pair with this score.
    fn new(word: &'a ExplainedWord, score: f64) -> Self {
        Self {
            word: &word.word,
            from: word.from,
            to: word.to,
            without: word.without,
            effect: word.effect(score),
            closest: word.closest,
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
    /// True if the text differs from the query, and has become the same tokens.
    pub same_tokens: bool,
    /// Reading of the text.
    #[serde(flatten)]
    pub text: TextRow<'a>,
}

impl<'a> HitRow<'a> {
    /// Creates the row of a hit; `interpretation` is its verdict in the reader's language.
    #[must_use]
    pub fn new(hit: &'a Hit, interpretation: &'a str) -> Self {
        Self {
            similarity: hit.similarity,
            cosine: hit.cosine,
            interpretation,
            same_tokens: hit.same_tokens,
            text: TextRow::from(&hit.text),
        }
    }
}

/// The vector of a text.
#[derive(Clone, Debug, Serialize)]
pub struct VectorRow<'a> {
    /// Values of a vector of unit length (L2).
    pub embedding: &'a [f32],
    /// Reading of the text.
    #[serde(flatten)]
    pub text: TextRow<'a>,
}

impl<'a> From<&'a Embedding> for VectorRow<'a> {
    fn from(embedding: &'a Embedding) -> Self {
        Self {
            embedding: &embedding.vector,
            text: TextRow::from(&embedding.text),
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
