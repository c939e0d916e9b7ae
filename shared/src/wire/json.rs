//! The JSON form of requests and replies: one object a line.
//!
//! The daemon speaks it on the same socket to connections that begin with `{`. `gte sim --json` and
//! `gte batch --json` print the same object for a pair.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::reply::{
    Computed, Embedding, ErrorCode, ErrorReply, Hit, ModelCard, PairScore, Pooling, Reply, Status,
    TextInfo,
};
use super::request::Request;

/// The forms a request line can have, for the error that names them.
const FORMS: &str = r#"{"a":…,"b":…}, {"pairs":[[…,…],…]}, {"query":…,"texts":[…]}, {"texts":[…]}, {"command":"status"}, {"command":"shutdown"} or {"command":"use","model":…}"#;

/// One request line. Which fields are there says what is asked.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: Option<Value>,
    a: Option<String>,
    b: Option<String>,
    pairs: Option<Vec<(String, String)>>,
    query: Option<String>,
    texts: Option<Vec<String>>,
    command: Option<Command>,
    model: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Command {
    Status,
    Shutdown,
    Use,
}

/// Reads a request line: the id to repeat in the reply, if it has one, and the request.
///
/// # Errors
///
/// With [`ErrorCode::BadRequest`] when the line is no JSON object or has none of the known forms.
/// The error says where, and never quotes a text.
pub fn parse_request(line: &[u8]) -> (Option<Value>, Result<Request, ErrorReply>) {
    let line: Line = match serde_json::from_slice(line) {
        Ok(line) => line,
        Err(error) => return (id_of(line), Err(refusal(&describe(&error)))),
    };
    let Line {
        id,
        a,
        b,
        pairs,
        query,
        texts,
        command,
        model,
    } = line;
    let request = match (a, b, pairs, query, texts, (command, model)) {
        (Some(a), Some(b), None, None, None, (None, None)) => Ok(Request::Similarity { a, b }),
        (None, None, Some(pairs), None, None, (None, None)) => Ok(Request::Similarities { pairs }),
        (None, None, None, Some(query), Some(texts), (None, None)) => {
            Ok(Request::Rank { query, texts })
        }
        (None, None, None, None, Some(texts), (None, None)) => Ok(Request::Embed { texts }),
        (None, None, None, None, None, (Some(command), model)) => match (command, model) {
            (Command::Status, None) => Ok(Request::Status),
            (Command::Shutdown, None) => Ok(Request::Shutdown),
            (Command::Use, Some(model)) => Ok(Request::Use { model }),
            _ => Err(refusal(
                "`model` belongs to the command `use`, and to no other",
            )),
        },
        _ => Err(refusal("the fields of the line do not make up a request")),
    };
    (id, request)
}

/// The id of a line that is no request, if it is an object that has one.
fn id_of(line: &[u8]) -> Option<Value> {
    #[derive(Deserialize)]
    struct Identified {
        id: Option<Value>,
    }
    let identified: Identified = serde_json::from_slice(line).ok()?;
    identified.id
}

fn refusal(what: &str) -> ErrorReply {
    ErrorReply::new(ErrorCode::BadRequest, what).with_hint(format!("a request line is {FORMS}"))
}

/// What is wrong with a line, without serde's words, which may quote the line's strings.
fn describe(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let column = error.column();
    match error.classify() {
        Category::Eof => "the line ends in the middle of a JSON object".to_owned(),
        Category::Syntax | Category::Io => format!("the line is no JSON at column {column}"),
        Category::Data => {
            format!("an unknown field or a value of the wrong type at column {column}")
        }
    }
}

/// The reply line for an outcome, without its line feed.
///
/// # Errors
///
/// If the reply cannot be written as JSON; no reply of the daemon is such.
pub fn reply_line(
    id: Option<&Value>,
    outcome: &Result<Reply, ErrorReply>,
) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    struct Identified<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a Value>,
        #[serde(flatten)]
        body: Body<'a>,
    }
    let body = match outcome {
        Ok(Reply::Similarity(computed)) => Body::Pair(PairLine::new(
            &computed.result,
            computed,
            computed.result.label.interpretation(),
        )),
        Ok(Reply::Similarities(computed)) => Body::Pairs {
            results: computed.result.iter().map(Score::from).collect(),
            about: About::of(computed),
        },
        Ok(Reply::Ranking(computed)) => Body::Ranking {
            query: computed.result.query,
            results: computed.result.hits.iter().map(Ranked::from).collect(),
            about: About::of(computed),
        },
        Ok(Reply::Embeddings(computed)) => Body::Embeddings {
            results: computed.result.iter().map(Vector::from).collect(),
            dimension: computed.model.dimension,
            pooling: computed.model.pooling,
            about: About::of(computed),
        },
        Ok(Reply::Status(status)) => Body::Status { status },
        Ok(Reply::Stopping) => Body::Stopping { stopping: true },
        Ok(Reply::Using(model)) => Body::Using { using: model },
        Err(error) => Body::Error(ErrorLine::from(error)),
    };
    serde_json::to_vec(&Identified { id, body })
}

#[derive(Serialize)]
#[serde(untagged)]
enum Body<'a> {
    Pair(PairLine<'a>),
    Pairs {
        results: Vec<Score<'a>>,
        #[serde(flatten)]
        about: About<'a>,
    },
    Ranking {
        query: TextInfo,
        results: Vec<Ranked<'a>>,
        #[serde(flatten)]
        about: About<'a>,
    },
    Embeddings {
        results: Vec<Vector<'a>>,
        dimension: u32,
        pooling: Pooling,
        #[serde(flatten)]
        about: About<'a>,
    },
    Status {
        status: &'a Status,
    },
    Stopping {
        stopping: bool,
    },
    Using {
        using: &'a ModelCard,
    },
    Error(ErrorLine<'a>),
}

/// The model and the time, at the end of an object.
#[derive(Debug, Serialize)]
pub struct About<'a> {
    model: &'a str,
    micros: u64,
}

impl<'a> About<'a> {
    /// Taken from a computed reply.
    pub fn of<T>(computed: &'a Computed<T>) -> Self {
        Self {
            model: &computed.model.id,
            micros: computed.timings.total_micros,
        }
    }
}

/// One scored pair, with the model and the time.
#[derive(Debug, Serialize)]
pub struct PairLine<'a> {
    similarity: f64,
    cosine: f32,
    interpretation: &'a str,
    model: &'a str,
    a: TextInfo,
    b: TextInfo,
    micros: u64,
}

impl<'a> PairLine<'a> {
    /// `interpretation` is the word for `score.label` in the language that the reader chose.
    pub fn new<T>(score: &PairScore, computed: &'a Computed<T>, interpretation: &'a str) -> Self {
        Self {
            similarity: score.similarity,
            cosine: score.cosine,
            interpretation,
            model: &computed.model.id,
            a: score.a,
            b: score.b,
            micros: computed.timings.total_micros,
        }
    }
}

/// One scored pair among many.
#[derive(Serialize)]
struct Score<'a> {
    similarity: f64,
    cosine: f32,
    interpretation: &'a str,
    a: TextInfo,
    b: TextInfo,
}

impl From<&PairScore> for Score<'_> {
    fn from(score: &PairScore) -> Self {
        Self {
            similarity: score.similarity,
            cosine: score.cosine,
            interpretation: score.label.interpretation(),
            a: score.a,
            b: score.b,
        }
    }
}

/// One text of a ranking.
#[derive(Serialize)]
struct Ranked<'a> {
    index: u32,
    similarity: f64,
    cosine: f32,
    interpretation: &'a str,
    #[serde(flatten)]
    text: TextInfo,
}

impl From<&Hit> for Ranked<'_> {
    fn from(hit: &Hit) -> Self {
        Self {
            index: hit.index,
            similarity: hit.similarity,
            cosine: hit.cosine,
            interpretation: hit.label.interpretation(),
            text: hit.text,
        }
    }
}

/// One vector.
#[derive(Serialize)]
struct Vector<'a> {
    embedding: &'a [f32],
    #[serde(flatten)]
    text: TextInfo,
}

impl<'a> From<&'a Embedding> for Vector<'a> {
    fn from(embedding: &'a Embedding) -> Self {
        Self {
            embedding: &embedding.vector,
            text: embedding.text,
        }
    }
}

#[derive(Serialize)]
struct ErrorLine<'a> {
    error: &'a str,
    code: ErrorCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<u32>,
}

impl<'a> From<&'a ErrorReply> for ErrorLine<'a> {
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

    fn parse(line: &str) -> Result<Request, ErrorReply> {
        parse_request(line.as_bytes()).1
    }

    #[test]
    fn the_fields_say_what_is_asked() {
        assert_eq!(
            parse(r#"{"a":"甲","b":"乙"}"#).unwrap(),
            Request::Similarity {
                a: "甲".into(),
                b: "乙".into()
            }
        );
        assert_eq!(
            parse(r#"{"pairs":[["甲","乙"]]}"#).unwrap(),
            Request::Similarities {
                pairs: vec![("甲".into(), "乙".into())]
            }
        );
        assert_eq!(
            parse(r#"{"query":"甲","texts":["乙"]}"#).unwrap(),
            Request::Rank {
                query: "甲".into(),
                texts: vec!["乙".into()]
            }
        );
        assert_eq!(
            parse(r#"{"texts":[]}"#).unwrap(),
            Request::Embed { texts: vec![] }
        );
        assert_eq!(parse(r#"{"command":"status"}"#).unwrap(), Request::Status);
        assert_eq!(
            parse(r#"{"command":"use","model":"gte-base-zh"}"#).unwrap(),
            Request::Use {
                model: "gte-base-zh".into()
            }
        );
    }

    #[test]
    fn what_is_no_request_is_named_without_quoting_it() {
        for line in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"a":"秘密"}"#,
            r#"{"a":"秘密","b":7}"#,
            r#"{"a":"秘密","b":"","texts":[]}"#,
            r#"{"秘密":1}"#,
            r#"{"command":"秘密"}"#,
            r#"{"command":"use"}"#,
            r#"{"command":"status","model":"秘密"}"#,
            r#"{"model":"秘密"}"#,
        ] {
            let error = parse(line).unwrap_err();
            assert_eq!(error.code, ErrorCode::BadRequest, "{line}");
            assert!(!error.message.contains("秘密"), "{line}: {error}");
        }
    }

    #[test]
    fn a_line_that_is_no_request_keeps_its_id() {
        let (id, request) = parse_request(br#"{"id":"x","nonsense":1}"#);
        assert!(request.is_err());
        assert_eq!(id, Some("x".into()));
    }

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
