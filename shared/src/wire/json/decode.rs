//! Decoding of JSON that a client sends: bounded, and with errors that never quote a text.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::wire::error_reply::{ErrorCode, ErrorReply};
use crate::wire::limits::MAX_TEXTS_PER_REQUEST;

/// Most values in a message: pairs of the most texts have two commas each. Counted before it is
/// parsed, since a value of two bytes becomes one of fifty.
pub(super) const MAX_VALUES: usize = 2 * MAX_TEXTS_PER_REQUEST;

/// Decodes a message, which is an object.
///
/// # Errors
///
/// [`ErrorCode::TooLarge`] if it has too many values, and [`ErrorCode::BadRequest`] if it is not an
/// object or has other fields and types than `T`. The error names the place, and never quotes a
/// text.
pub fn decode<T: DeserializeOwned>(message: &[u8]) -> Result<T, ErrorReply> {
    check_values(message)?;
    // A list would be taken for the values of an object's fields, in their order.
    if message
        .trim_ascii_start()
        .first()
        .is_some_and(|first| *first != b'{')
    {
        let problem = "the request is not a JSON object";
        return Err(ErrorReply::new(ErrorCode::BadRequest, problem));
    }
    serde_json::from_slice(message)
        .map_err(|error| ErrorReply::new(ErrorCode::BadRequest, describe(&error)))
}

/// Checks the number of values in a message.
pub(super) fn check_values(message: &[u8]) -> Result<(), ErrorReply> {
    if value_count(message) <= MAX_VALUES {
        return Ok(());
    }
    let problem = format!("the request has more than {MAX_VALUES} values");
    let error = ErrorReply::new(ErrorCode::TooLarge, problem);
    Err(error.with_hint("send it in several requests"))
}

/// Number of values in a message, but for one in each object or list: its commas outside of
/// strings.
fn value_count(message: &[u8]) -> usize {
    let (mut commas, mut in_string, mut escaped) = (0, false, false);
    for byte in message {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            b',' if !in_string => commas += 1,
            _ => {}
        }
    }
    commas
}

/// Describes a faulty message without serde's words, which may quote strings of it.
pub(super) fn describe(error: &serde_json::Error) -> String {
    let place = match (error.line(), error.column()) {
        (0 | 1, column) => format!("column {column}"),
        (line, column) => format!("line {line}, column {column}"),
    };
    match error.classify() {
        Category::Eof => "the request ends in the middle of a JSON object".to_owned(),
        Category::Syntax | Category::Io => format!("the request is not JSON at {place}"),
        Category::Data => format!("an unknown field or a value of the wrong type at {place}"),
    }
}
