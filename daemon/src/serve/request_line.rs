//! A request line and its reply, wherever the line comes from.

use gte_shared::wire::json::{parse_request, reply_line};
use gte_shared::wire::{ErrorCode, ErrorReply, MAX_FRAME_BYTES, Reply, Request};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::admission::{Admitted, Share};
use super::context::Context;
use super::handler::{self, reply_too_large};
use super::offload::offload;

/// The fields that only request lines have.
#[derive(Deserialize)]
struct Marks {
    a: Option<IgnoredAny>,
    b: Option<IgnoredAny>,
    pairs: Option<IgnoredAny>,
    query: Option<IgnoredAny>,
    texts: Option<IgnoredAny>,
    command: Option<IgnoredAny>,
}

/// The request line that asks for the status.
pub(super) const STATUS: &[u8] = br#"{"command":"status"}"#;

/// Returns true for a request line, though it may be a wrong one. Functions are called by others as
/// well, such as schedules that keep them warm, whose events are no requests.
pub(super) fn is_request(json: &[u8]) -> bool {
    let marks = serde_json::from_slice(json);
    // An array would be read as the values of the fields.
    json.trim_ascii_start().starts_with(b"{")
        && marks.is_ok_and(|marks: Marks| {
            let Marks {
                a,
                b,
                pairs,
                query,
                texts,
                command,
            } = marks;
            [a, b, pairs, query, texts, command]
                .iter()
                .any(Option::is_some)
        })
}

/// Requests that are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    /// All of them: who may use the daemon's socket owns the daemon.
    All,
    /// Those that leave the daemon as it is.
    Harmless,
}

/// An answered line, which holds the memory of its request.
pub(super) struct AnsweredLine {
    id: Option<Value>,
    pub(super) outcome: Result<Reply, ErrorReply>,
    length: usize,
    weight: usize,
    _admitted: Option<Admitted>,
}

/// Answers a line; `reading` is its room among the messages that are read, if it is long.
pub(super) async fn answer_line(
    context: &Context,
    share: &Share,
    allowed: Allowed,
    line: Vec<u8>,
    reading: Option<Admitted>,
) -> AnsweredLine {
    let length = line.len();
    let parsed = offload(length, move || parse_request(&line)).await;
    let (id, request) = parsed.unwrap_or_else(|error| (None, Err(error)));
    let answering = async {
        let request = request?;
        if allowed == Allowed::Harmless {
            check_harmless(&request)?;
        }
        let weight = handler::weigh(context, &request, length)?;
        let admitted = match weight {
            0 => None,
            weight => Some(share.to_work(weight, reading).await?),
        };
        let reply = handler::answer(context, request).await?;
        Ok((reply, weight, admitted))
    };
    let (outcome, weight, admitted) = match answering.await {
        Ok((reply, weight, admitted)) => (Ok(reply), weight, admitted),
        Err(error) => (Err(error), 0, None),
    };
    AnsweredLine {
        id,
        outcome,
        length,
        weight,
        _admitted: admitted,
    }
}

fn check_harmless(request: &Request) -> Result<(), ErrorReply> {
    match request {
        Request::Shutdown(_) | Request::UseModel(_) => {
            let message = "the command is for the daemon's own socket";
            Err(ErrorReply::new(ErrorCode::BadRequest, message))
        }
        _ => Ok(()),
    }
}

impl AnsweredLine {
    /// Encodes the reply line, without a line feed. An error replaces a line that is too long.
    ///
    /// # Errors
    ///
    /// If the reply cannot be written as JSON, which every reply can.
    pub(super) async fn encode(self) -> serde_json::Result<Vec<u8>> {
        let Self {
            id,
            outcome,
            length,
            weight,
            _admitted,
        } = self;
        let line = offload(weight.max(length), move || encode(id.as_ref(), &outcome)).await;
        line.unwrap_or_else(|error| encode(None, &Err(error)))
    }
}

/// Encodes one reply line.
pub(super) fn encode(
    id: Option<&Value>,
    outcome: &Result<Reply, ErrorReply>,
) -> serde_json::Result<Vec<u8>> {
    let line = reply_line(id, outcome)?;
    if line.len() > MAX_FRAME_BYTES {
        return reply_line(id, &Err(reply_too_large(line.len())));
    }
    Ok(line)
}
