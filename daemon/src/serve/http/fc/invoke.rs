//! `POST /invoke`: an event, which is a request line.

use axum::Extension;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;

use super::headers::{EVENT, STATUS as FC_STATUS, control_path};
use crate::serve::context::{Context, ReplyForm};
use crate::serve::http::connection::Connection;
use crate::serve::http::exchange::unwritable;
use crate::serve::http::failure::Failure;
use crate::serve::http::message::Message;
use crate::serve::http::reply_body::json_reply;
use crate::serve::request_line::{Allowed, STATUS, answer_line, is_request};

/// Answers an event: a request line with its reply, anything else in JSON with the status.
pub(super) async fn invoke(
    Extension(connection): Extension<Connection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    if control_path(&headers) != Some(EVENT) {
        let message = "the path is for the events of Function Compute";
        return Err(Failure::new(StatusCode::NOT_FOUND, "not_found", message));
    }
    let Message { mut bytes, reading } = Message::read(&connection, body).await?;
    let is_json = || serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_ok();
    if !is_request(&bytes) && is_json() {
        bytes = STATUS.to_vec();
    }
    let context = Context::new(&connection.service, connection.caller, ReplyForm::Json);
    let share = &connection.share;
    let answered = answer_line(&context, share, Allowed::Harmless, bytes, reading).await;
    let status = match answered.outcome {
        Ok(_) => "200",
        Err(_) => "404",
    };
    let line = answered.encode().await.map_err(|_| unwritable())?;
    let mut reply = json_reply(line, None);
    let headers = reply.headers_mut();
    headers.insert(FC_STATUS, HeaderValue::from_static(status));
    Ok(reply)
}
