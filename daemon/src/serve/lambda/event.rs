//! Kinds of events.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::http_event::{HttpEvent, Origin};
use crate::serve::request_line::is_request;

/// An event of a function.
pub(super) enum Event {
    /// A request of API Gateway, a function URL or a load balancer.
    Http(Box<HttpEvent>, Origin),
    /// A direct call with a request line.
    Line(Vec<u8>),
    /// Anything else: a call that keeps the function warm, by a schedule or a tool.
    Other,
}

/// The fields of objects that tell events apart.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marks<'a> {
    #[serde(borrow)]
    version: Option<&'a RawValue>,
    http_method: Option<IgnoredAny>,
    request_context: Option<ContextMarks>,
}

#[derive(Default, Deserialize)]
struct ContextMarks {
    elb: Option<IgnoredAny>,
    http: Option<IgnoredAny>,
}

impl Event {
    /// Tells what an event is. An event that is nothing known is [`Event::Other`].
    pub(super) fn of(payload: &RawValue) -> Self {
        let json = payload.get();
        if let Some(origin) = origin(json)
            && let Ok(event) = serde_json::from_str(json)
        {
            return Self::Http(Box::new(event), origin);
        }
        if is_request(json.as_bytes()) {
            Self::Line(json.as_bytes().to_vec())
        } else {
            Self::Other
        }
    }
}

/// Origin of an HTTP event.
fn origin(json: &str) -> Option<Origin> {
    // A sequence would be read as the fields of a struct.
    if !json.trim_start().starts_with('{') {
        return None;
    }
    let marks: Marks = serde_json::from_str(json).ok()?;
    let context = marks.request_context?;
    if context.elb.is_some() {
        return Some(Origin::LoadBalancer);
    }
    // cargo-lambda's emulator adds an `httpMethod` to events of version 2.0.
    if marks
        .version
        .is_some_and(|version| version.get() == r#""2.0""#)
    {
        return context.http.map(|_| Origin::HttpApi);
    }
    marks.http_method.map(|_| Origin::RestApi)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn kind(event: &Value) -> &'static str {
        let payload = serde_json::value::to_raw_value(event).unwrap();
        match Event::of(&payload) {
            Event::Http(_, Origin::RestApi) => "rest",
            Event::Http(_, Origin::HttpApi) => "http",
            Event::Http(_, Origin::LoadBalancer) => "alb",
            Event::Line(_) => "line",
            Event::Other => "other",
        }
    }

    #[test]
    fn events_are_told_apart() {
        let http = json!({"http": {"method": "GET", "path": "/"}});
        for (event, expected) in [
            (
                json!({"httpMethod": "GET", "path": "/", "requestContext": {}}),
                "rest",
            ),
            (
                json!({"version": "1.0", "httpMethod": "GET", "path": "/", "requestContext": {}}),
                "rest",
            ),
            (
                json!({"version": "2.0", "rawPath": "/", "requestContext": http}),
                "http",
            ),
            (
                json!({"version": "2.0", "httpMethod": "GET", "rawPath": "/", "requestContext": http}),
                "http",
            ),
            (
                json!({"httpMethod": "GET", "path": "/", "requestContext": {"elb": {}}}),
                "alb",
            ),
            (json!({"a": "x"}), "line"),
            (json!({"command": "status"}), "line"),
            (json!({"texts": 7}), "line"),
            (json!({"version": "2.0"}), "other"),
            (json!({"httpMethod": "GET"}), "other"),
            (json!({"version": 0, "source": "aws.events"}), "other"),
            (json!({"requestContext": 3, "a": null}), "other"),
            (json!({}), "other"),
            (json!(["x", "y"]), "other"),
            (json!("warm"), "other"),
            (Value::Null, "other"),
        ] {
            assert_eq!(kind(&event), expected, "{event}");
        }
    }
}
