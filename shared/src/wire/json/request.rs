//! Request lines.

use serde::Deserialize;
use serde_json::Value;

use super::decode::{check_values, describe};
use crate::score::ScoreKind;
use crate::wire::error_reply::{ErrorCode, ErrorReply};
use crate::wire::request::{
    Embed, Explain, GetStatus, Rank, Request, Shutdown, Similarities, Similarity, UseModel,
};
use crate::wire::text_rules::{TextOptions, TextSteps, Truncation};

/// Forms of a request line, for the error that names them.
const FORMS: &str = r#"{"a":…,"b":…}, also with "explain":true, {"pairs":[[…,…],…]}, {"query":…,"texts":[…]}, {"texts":[…]}, {"command":"status"}, {"command":"shutdown"} or {"command":"use","model":…}"#;

/// Most bytes of an id: its reply repeats it, even one that is an error.
const MAX_ID_BYTES: usize = 1024;

/// One request line. Its fields decide the request.
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
    text_steps: Option<TextSteps>,
    truncation: Option<Truncation>,
    score: Option<ScoreKind>,
    explain: Option<bool>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Command {
    Status,
    Shutdown,
    Use,
}

/// Parses a request line: the id to repeat in the reply, if the line has one, and the request.
///
/// # Errors
///
/// [`ErrorCode::BadRequest`] if the line is not a JSON object or has none of the known forms. The
/// error names the column, and never quotes a text.
pub fn parse_request(line: &[u8]) -> (Option<Value>, Result<Request, ErrorReply>) {
    if let Err(error) = check_values(line) {
        return (None, Err(error));
    }
    let line: Line = match serde_json::from_slice(line) {
        Ok(line) => line,
        Err(error) => return (id_of(line), Err(refusal(&describe(&error)))),
    };
    if line
        .id
        .as_ref()
        .is_some_and(|id| id.to_string().len() > MAX_ID_BYTES)
    {
        let message = format!("the id is longer than {MAX_ID_BYTES} bytes");
        return (None, Err(ErrorReply::new(ErrorCode::BadRequest, message)));
    }
    let Line {
        id,
        a,
        b,
        pairs,
        query,
        texts,
        command,
        model,
        text_steps,
        truncation,
        score,
        explain,
    } = line;
    // A command has a model of its own.
    let (model_of_texts, model) = match command {
        None => (model, None),
        Some(_) => (None, model),
    };
    let options = TextOptions {
        text_steps,
        truncation,
        score: score.unwrap_or_default(),
        model: model_of_texts,
    };
    if command.is_some() && options != TextOptions::default() {
        return (id, Err(refusal("a command takes no options of texts")));
    }
    let explain = explain.unwrap_or(false);
    if explain && a.is_none() {
        return (
            id,
            Err(refusal("`explain` belongs to a pair of `a` and `b`")),
        );
    }
    let request = match (a, b, pairs, query, texts, command) {
        (Some(a), Some(b), None, None, None, None) if explain => {
            Ok(Explain { a, b, options }.into())
        }
        (Some(a), Some(b), None, None, None, None) => Ok(Similarity { a, b, options }.into()),
        (None, None, Some(pairs), None, None, None) => Ok(Similarities { pairs, options }.into()),
        (None, None, None, Some(query), Some(texts), None) => Ok(Rank {
            query,
            texts,
            options,
        }
        .into()),
        (None, None, None, None, Some(texts), None) => Ok(Embed { texts, options }.into()),
        (None, None, None, None, None, Some(command)) => match (command, model) {
            (Command::Status, None) => Ok(GetStatus.into()),
            (Command::Shutdown, None) => Ok(Shutdown.into()),
            (Command::Use, Some(model)) => Ok(UseModel { model }.into()),
            _ => Err(refusal(
                "`use` needs a `model`, and no other command has one",
            )),
        },
        _ => Err(refusal("the fields of the line are not those of a request")),
    };
    (id, request)
}

/// Id of a line that is not a request, if the line is an object with an id.
fn id_of(line: &[u8]) -> Option<Value> {
    #[derive(Deserialize)]
    struct Identified {
        id: Option<Value>,
    }
    let identified: Identified = serde_json::from_slice(line).ok()?;
    identified
        .id
        .filter(|id| id.to_string().len() <= MAX_ID_BYTES)
}

fn refusal(message: &str) -> ErrorReply {
    ErrorReply::new(ErrorCode::BadRequest, message).with_hint(format!("a request line is {FORMS}"))
}

#[cfg(test)]
mod tests {
    use super::super::decode::MAX_VALUES;
    use super::*;
    use crate::wire::limits::MAX_TEXTS_PER_REQUEST;
    use crate::wire::text_rules::TextStep;

    fn parse(line: &str) -> Result<Request, ErrorReply> {
        parse_request(line.as_bytes()).1
    }

    #[test]
    fn too_many_values_are_refused_before_they_are_parsed() {
        let texts = |count: usize| {
            format!(
                r#"{{"texts":["{}"]}}"#,
                vec![r#"a,\",b"#; count].join(r#"",""#)
            )
        };
        assert!(parse(&texts(MAX_TEXTS_PER_REQUEST)).is_ok());
        let refused = parse(&texts(MAX_VALUES + 2)).unwrap_err();
        assert_eq!(refused.code, ErrorCode::TooLarge);
        let id = format!(
            r#"{{"id":[{}],"command":"status"}}"#,
            vec!["0"; MAX_VALUES + 2].join(",")
        );
        assert_eq!(parse(&id).unwrap_err().code, ErrorCode::TooLarge);
    }

    #[test]
    fn a_long_id_is_refused() {
        let line = |id: &str| format!(r#"{{"id":"{id}","command":"status"}}"#);
        assert!(parse(&line(&"x".repeat(MAX_ID_BYTES - 2))).is_ok());
        let (id, refused) = parse_request(line(&"x".repeat(MAX_ID_BYTES)).as_bytes());
        assert_eq!(id, None);
        assert_eq!(refused.unwrap_err().code, ErrorCode::BadRequest);
        // Neither does an error repeat it.
        let wrong = line(&"x".repeat(MAX_ID_BYTES)).replace("status", "nonsense");
        assert_eq!(parse_request(wrong.as_bytes()).0, None);
    }

    #[test]
    fn the_fields_decide_the_request() {
        assert_eq!(
            parse(r#"{"a":"甲","b":"乙"}"#).unwrap(),
            Similarity {
                a: "甲".into(),
                b: "乙".into(),
                options: TextOptions::default(),
            }
            .into()
        );
        let pair = Explain {
            a: "甲".into(),
            b: "乙".into(),
            options: TextOptions::default(),
        };
        let line = r#"{"a":"甲","b":"乙","explain":true}"#;
        assert_eq!(parse(line).unwrap(), pair.into());
        assert_eq!(
            parse(r#"{"pairs":[["甲","乙"]]}"#).unwrap(),
            Similarities {
                pairs: vec![("甲".into(), "乙".into())],
                options: TextOptions::default(),
            }
            .into()
        );
        assert_eq!(
            parse(r#"{"query":"甲","texts":["乙"]}"#).unwrap(),
            Rank {
                query: "甲".into(),
                texts: vec!["乙".into()],
                options: TextOptions::default(),
            }
            .into()
        );
        assert_eq!(
            parse(r#"{"texts":[]}"#).unwrap(),
            Embed {
                texts: vec![],
                options: TextOptions::default()
            }
            .into()
        );
        let line = r#"{"texts":["甲"],"truncation":"chunk","score":"raw","text_steps":["lowercase"],"model":"gte-base-zh"}"#;
        let options = TextOptions {
            text_steps: Some(TextSteps::NONE.with(TextStep::Lowercase)),
            truncation: Some(Truncation::Chunk),
            score: ScoreKind::Raw,
            model: Some("gte-base-zh".into()),
        };
        let texts = vec!["甲".to_owned()];
        assert_eq!(parse(line).unwrap(), Embed { texts, options }.into());
        assert_eq!(parse(r#"{"command":"status"}"#).unwrap(), GetStatus.into());
        assert_eq!(
            parse(r#"{"command":"use","model":"gte-base-zh"}"#).unwrap(),
            UseModel {
                model: "gte-base-zh".into()
            }
            .into()
        );
    }

    #[test]
    fn a_faulty_line_is_described_without_quoting_it() {
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
            r#"{"command":"status","truncation":"head"}"#,
            r#"{"a":"秘密","b":"","truncation":"秘密"}"#,
            r#"{"a":"秘密","b":"","explain":"秘密"}"#,
            r#"{"texts":["秘密"],"explain":true}"#,
            r#"{"command":"status","explain":true}"#,
            r#"{"a":"秘密","b":"","text_steps":["秘密"]}"#,
        ] {
            let error = parse(line).unwrap_err();
            assert_eq!(error.code, ErrorCode::BadRequest, "{line}");
            assert!(!error.message.contains("秘密"), "{line}: {error}");
        }
    }

    #[test]
    fn a_faulty_line_keeps_its_id() {
        let (id, request) = parse_request(br#"{"id":"x","nonsense":1}"#);
        assert!(request.is_err());
        assert_eq!(id, Some("x".into()));
    }
}
