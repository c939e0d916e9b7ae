//! HTTP replies in the form of an event's origin.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Response};
use serde::Serialize;

use super::http_event::Origin;

/// An HTTP reply as the reply to an event.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct HttpReply {
    status_code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    /// Headers `Set-Cookie`, which this service has none of. Version 2.0 wants the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    cookies: Option<[String; 0]>,
    body: String,
    is_base64_encoded: bool,
}

/// Form of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReplyStyle {
    pub(super) origin: Origin,
    /// True if the event had lists of values as headers.
    pub(super) header_lists: bool,
}

impl ReplyStyle {
    /// Encodes a reply.
    ///
    /// # Errors
    ///
    /// If it cannot be written as JSON, which every reply can.
    pub(super) fn encode(self, reply: &Response<Bytes>) -> serde_json::Result<Vec<u8>> {
        let lists = match self.origin {
            Origin::RestApi => true,
            Origin::HttpApi => false,
            Origin::LoadBalancer => self.header_lists,
        };
        let (body, is_base64_encoded) = match str::from_utf8(reply.body()) {
            Ok(text) => (text.to_owned(), false),
            Err(_) => (STANDARD.encode(reply.body()), true),
        };
        let status = reply.status();
        let values = header_values(reply.headers());
        let joined = |values: BTreeMap<String, Vec<String>>| {
            let joined = values.into_iter();
            joined
                .map(|(name, values)| (name, values.join(", ")))
                .collect()
        };
        let (headers, multi_value_headers) = if lists {
            (None, Some(values))
        } else {
            (Some(joined(values)), None)
        };
        serde_json::to_vec(&HttpReply {
            status_code: status.as_u16(),
            status_description: (self.origin == Origin::LoadBalancer).then(|| {
                format!(
                    "{} {}",
                    status.as_u16(),
                    status.canonical_reason().unwrap_or("")
                )
            }),
            headers,
            multi_value_headers,
            cookies: (self.origin == Origin::HttpApi).then_some([]),
            body,
            is_base64_encoded,
        })
    }
}

/// Headers but those of a connection.
fn header_values(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        if [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name) {
            continue;
        }
        // All that this service writes is ASCII.
        if let Ok(value) = value.to_str() {
            let of_name = values.entry(name.as_str().to_owned()).or_default();
            of_name.push(value.to_owned());
        }
    }
    values
}
