//! Reply lines.

use serde::Serialize;
use serde_json::Value;

use super::rows::{ExplanationRow, HitRow, PairRow, Source, TextRow, VectorRow, VectorSpace};
use crate::wire::error_reply::{ErrorCode, ErrorReply};
use crate::wire::model_info::ModelInfo;
use crate::wire::reply::{Hit, PairScore, Reply};
use crate::wire::status::Status;

/// Encodes the reply line of an outcome, without its line feed. `id` is that of the request.
///
/// # Errors
///
/// If the reply cannot be written as JSON; every reply of the daemon can.
pub fn reply_line(
    id: Option<&Value>,
    outcome: &Result<Reply, ErrorReply>,
) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    struct Line<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a Value>,
        #[serde(flatten)]
        body: Body<'a>,
    }
    let body = match outcome {
        Ok(reply) => Body::from(reply),
        Err(error) => Body::Error(ErrorRow::from(error)),
    };
    serde_json::to_vec(&Line { id, body })
}

#[derive(Serialize)]
#[serde(untagged)]
enum Body<'a> {
    Pair {
        #[serde(flatten)]
        row: PairRow<'a>,
        #[serde(flatten)]
        source: Source<'a>,
    },
    Explained {
        #[serde(flatten)]
        row: PairRow<'a>,
        explanation: ExplanationRow<'a>,
        #[serde(flatten)]
        source: Source<'a>,
    },
    Pairs {
        results: Vec<PairRow<'a>>,
        #[serde(flatten)]
        source: Source<'a>,
    },
    Ranking {
        query: TextRow<'a>,
        results: Vec<IndexedHit<'a>>,
        #[serde(flatten)]
        source: Source<'a>,
    },
    Embeddings {
        results: Vec<VectorRow<'a>>,
        #[serde(flatten)]
        space: VectorSpace,
        #[serde(flatten)]
        source: Source<'a>,
    },
    Status {
        status: &'a Status,
    },
    Stopping {
        stopping: bool,
    },
    Selected {
        using: &'a ModelInfo,
    },
    Error(ErrorRow<'a>),
}

impl<'a> From<&'a Reply> for Body<'a> {
    fn from(reply: &'a Reply) -> Self {
        match reply {
            Reply::Similarity(computed) => Self::Pair {
                row: pair_row(&computed.result),
                source: Source::of(computed),
            },
            Reply::Explanation(computed) => Self::Explained {
                row: pair_row(&computed.result.score),
                explanation: ExplanationRow::from(&computed.result),
                source: Source::of(computed),
            },
            Reply::Similarities(computed) => Self::Pairs {
                results: computed.result.iter().map(pair_row).collect(),
                source: Source::of(computed),
            },
            Reply::Ranking(computed) => Self::Ranking {
                query: TextRow::from(&computed.result.query),
                results: computed.result.hits.iter().map(IndexedHit::from).collect(),
                source: Source::of(computed),
            },
            Reply::Embeddings(computed) => Self::Embeddings {
                results: computed.result.iter().map(VectorRow::from).collect(),
                space: VectorSpace::of(computed),
                source: Source::of(computed),
            },
            Reply::Status(status) => Self::Status { status },
            Reply::Stopping => Self::Stopping { stopping: true },
            Reply::Selected(model) => Self::Selected { using: model },
        }
    }
}

fn pair_row(score: &PairScore) -> PairRow<'_> {
    PairRow::new(score, score.verdict.interpretation())
}

/// A hit with its index in the request.
#[derive(Serialize)]
struct IndexedHit<'a> {
    index: u32,
    #[serde(flatten)]
    row: HitRow<'a>,
}

impl<'a> From<&'a Hit> for IndexedHit<'a> {
    fn from(hit: &'a Hit) -> Self {
        Self {
            index: hit.index,
            row: HitRow::new(hit, hit.verdict.interpretation()),
        }
    }
}

#[derive(Serialize)]
struct ErrorRow<'a> {
    error: &'a str,
    code: ErrorCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<u32>,
}

impl<'a> From<&'a ErrorReply> for ErrorRow<'a> {
    fn from(error: &'a ErrorReply) -> Self {
        Self {
            error: &error.message,
            code: error.code,
            hint: error.hint.as_deref(),
            text: error.text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_line_has_an_error_field_and_the_id() {
        let error = ErrorReply::new(ErrorCode::BlankText, "text 1 is blank");
        let line = reply_line(Some(&7.into()), &Err(error)).unwrap();
        assert_eq!(
            String::from_utf8(line).unwrap(),
            r#"{"id":7,"error":"text 1 is blank","code":"blank_text"}"#
        );
    }
}
