//! A refused request, and its reply in the form that the clients of each API read.

use std::time::Duration;

use axum::http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use gte_shared::wire::{ErrorCode, ErrorReply};
use serde::Serialize;
use serde_json::json;

use super::dialect::Dialect;

/// Time after which a client may try again that met too much work.
const RETRY_OVERLOADED: Duration = Duration::from_secs(1);

/// Code of a caller over its rate.
pub(super) const RATE_LIMITED: &str = "rate_limited";

/// A refused request.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    /// Kind, for programs.
    pub(super) code: &'static str,
    message: String,
    hint: Option<String>,
    /// The text at fault, counted from 0.
    text: Option<u32>,
    retry_after: Option<Duration>,
    /// True if the rest of the connection cannot be read as requests.
    closes: bool,
}

impl Failure {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            hint: None,
            text: None,
            retry_after: None,
            closes: false,
        }
    }

    /// A request that is not one of its route.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// Adds a hint.
    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the time after which the client may try again.
    pub(super) fn with_retry(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// Closes the connection after the reply.
    pub(super) fn closing(mut self) -> Self {
        self.closes = true;
        self
    }

    /// Reply in a dialect.
    pub(super) fn reply(&self, dialect: Dialect) -> Response {
        let body = match dialect {
            Dialect::Own => to_json(&OwnBody {
                error: &self.message,
                code: self.code,
                hint: self.hint.as_deref(),
                text: self.text,
            }),
            Dialect::OpenAi => to_json(&json!({
                "error": {
                    "message": self.whole_message(),
                    "type": self.openai_type(),
                    "param": self.text.map(|_| "input"),
                    "code": self.code,
                }
            })),
            Dialect::Tei => to_json(&json!({
                "error": self.whole_message(),
                "error_type": self.tei_type(),
            })),
        };
        let mut reply = (self.status, body).into_response();
        let headers = reply.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(after) = self.retry_after {
            // Whole seconds, and no earlier.
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        reply
    }

    /// Message and hint, for clients that read one text.
    fn whole_message(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}; {hint}", self.message),
            None => self.message.clone(),
        }
    }

    /// Type of an error as OpenAI's API has it.
    fn openai_type(&self) -> &'static str {
        match self.status {
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request_error",
        }
    }

    /// Type of an error as text-embeddings-inference has it.
    fn tei_type(&self) -> &'static str {
        match self.status {
            _ if self.code == BLANK_TEXT => "Empty",
            StatusCode::TOO_MANY_REQUESTS => "Overloaded",
            StatusCode::SERVICE_UNAVAILABLE => "Unhealthy",
            status if status.is_server_error() => "Backend",
            _ => "Validation",
        }
    }
}

/// Code of a text without anything to compare.
const BLANK_TEXT: &str = "blank_text";

#[derive(Serialize)]
struct OwnBody<'a> {
    error: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<u32>,
}

fn to_json(body: &impl Serialize) -> Vec<u8> {
    // Strings and numbers can always be written as JSON.
    serde_json::to_vec(body).unwrap_or_default()
}

impl From<ErrorReply> for Failure {
    fn from(error: ErrorReply) -> Self {
        let (status, code) = match error.code {
            ErrorCode::BadRequest | ErrorCode::BadFrame => (StatusCode::BAD_REQUEST, "bad_request"),
            ErrorCode::BlankText => (StatusCode::BAD_REQUEST, BLANK_TEXT),
            ErrorCode::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            ErrorCode::Model => (StatusCode::NOT_FOUND, "model_not_found"),
            ErrorCode::Overloaded => (StatusCode::TOO_MANY_REQUESTS, "overloaded"),
            ErrorCode::Internal | ErrorCode::ProtocolMismatch => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal")
            }
        };
        let retry = (error.code == ErrorCode::Overloaded).then_some(RETRY_OVERLOADED);
        Self {
            hint: error.hint,
            text: error.text,
            retry_after: retry,
            ..Self::new(status, code, error.message)
        }
    }
}

impl IntoResponse for Failure {
    /// A reply whose body is written when the dialect of the route is known.
    fn into_response(self) -> Response {
        let mut reply = self.status.into_response();
        reply.extensions_mut().insert(self);
        reply
    }
}
