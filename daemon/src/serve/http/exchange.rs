//! The way of a request from its body to its reply, the same for all routes.

use std::sync::Arc;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use gte_shared::wire::json;
use gte_shared::wire::{ErrorCode, ErrorReply, Reply, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::connection::Connection;
use super::failure::Failure;
use super::message::Message;
use super::reply_body::json_reply;
use crate::serve::context::{Context, ReplyForm};
use crate::serve::handler;
use crate::serve::offload::offload;
use crate::serve::selected::Models;

/// A decoded request.
pub(super) struct Decoded<T> {
    request: Request,
    form: ReplyForm,
    /// Options of the encoding of the reply.
    rest: T,
}

impl<T> Decoded<T> {
    /// A request whose reply has this form.
    pub(super) fn new(request: impl Into<Request>, form: ReplyForm, rest: T) -> Self {
        Self {
            request: request.into(),
            form,
            rest,
        }
    }
}

/// Reads, decodes and answers a request, and encodes its reply.
///
/// # Errors
///
/// If the request is refused, or fails.
pub(super) async fn exchange<T: Send + 'static>(
    connection: &Connection,
    body: Body,
    decode: impl FnOnce(&[u8], &dyn Models) -> Result<Decoded<T>, Failure> + Send + 'static,
    encode: impl FnOnce(Reply, T) -> Result<Vec<u8>, Failure> + Send + 'static,
) -> Result<Response, Failure> {
    let Message { bytes, reading } = Message::read(connection, body).await?;
    let length = bytes.len();
    let models = Arc::clone(connection.service.models());
    let decoded = offload(length, move || decode(&bytes, &*models)).await?;
    let Decoded {
        request,
        form,
        rest,
    } = decoded?;
    let context = Context::new(&connection.service, connection.caller, form);
    let weight = handler::weigh(&context, &request, length)?;
    let admitted = connection.share.to_work(weight, reading).await?;
    let asked_for = named_model(&request).cloned();
    let reply = match handler::answer(&context, request).await {
        Ok(reply) => reply,
        Err(error) if error.code == ErrorCode::Model => {
            return Err(of_model(connection, asked_for, error).await);
        }
        Err(error) => return Err(error.into()),
    };
    let encoded = offload(weight.max(length), move || encode(reply, rest)).await?;
    Ok(json_reply(encoded?, Some(admitted)))
}

/// Decodes JSON, whatever its content type says it is.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    Ok(json::decode(bytes)?)
}

/// Encodes a reply as JSON.
pub(super) fn to_json(body: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(body).map_err(|_| unwritable())
}

/// The failure of a reply that cannot be encoded, which every reply can.
pub(super) fn unwritable() -> Failure {
    ErrorReply::new(ErrorCode::Internal, "the reply cannot be written as JSON").into()
}

/// The failure of a daemon that answers with another kind of reply than the request asks for.
pub(super) fn unexpected() -> Failure {
    ErrorReply::new(ErrorCode::Internal, "the reply is of an unexpected kind").into()
}

/// Name of the model that a request asks for.
fn named_model(request: &Request) -> Option<&String> {
    let options = match request {
        Request::Similarity(request) => &request.options,
        Request::Similarities(request) => &request.options,
        Request::Rank(request) => &request.options,
        Request::Embed(request) => &request.options,
        Request::Explain(request) => &request.options,
        Request::GetStatus(_) | Request::Shutdown(_) | Request::UseModel(_) => return None,
    };
    options.model.as_ref()
}

/// Failure of a request whose model does not answer: of one that nobody knows, the names of those
/// that are here. Why a known one cannot is for the log, since it may tell files of this machine.
pub(super) async fn of_model(
    connection: &Connection,
    asked_for: Option<String>,
    error: ErrorReply,
) -> Failure {
    let models = Arc::clone(connection.service.models());
    let names = tokio::task::spawn_blocking(move || models.names()).await;
    let names = names.unwrap_or_default();
    let selected = connection.service.selected();
    let second = asked_for.filter(|model| *model != selected.model.id);
    if second.as_ref().is_some_and(|model| !names.contains(model)) {
        let names = names.join(", ");
        let hint = match &error.hint {
            Some(hint) => format!("{hint}; the models here are {names}"),
            None => format!("the models here are {names}"),
        };
        return error.with_hint(hint).into();
    }
    tracing::error!(%error, hint = error.hint, "a model that http asks for does not answer");
    if second.is_some() {
        let message = "the model does not answer beside the selected one; the log says why";
        return ErrorReply::new(ErrorCode::Model, message).into();
    }
    let message = "the model cannot be loaded; the log of the daemon says why";
    Failure::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "model_unavailable",
        message,
    )
}
