//! The function: an event in, a reply out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gte_shared::wire::{ErrorCode, ErrorReply};
use http::HeaderValue;
use serde_json::value::RawValue;

use super::event::Event;
use super::http_event::{HttpEvent, Origin};
use super::http_reply::ReplyStyle;
use super::metrics::Invocation;
use crate::serve::admission::Share;
use crate::serve::context::{Context, ReplyForm};
use crate::serve::http::{HttpFunction, REQUEST_ID, malformed, too_large};
use crate::serve::request_line::{self, Allowed, STATUS, answer_line};
use crate::serve::service::Service;

/// Most bytes of a reply that Lambda takes: 6 MiB, and 100 for what it adds.
const MOST_BYTES: usize = 6 * 1024 * 1024 + 100;

/// Most bytes of a reply that a load balancer takes from Lambda: 1 MB.
const MOST_LOAD_BALANCER_BYTES: usize = 1_000_000;

/// Part of a limit that texts are planned for, in percent: replies of the same number of texts
/// differ by the digits of their numbers.
const PLANNED_PERCENT: usize = 97;

/// Longest wait for the shared cache to keep new vectors: a few times a round trip.
const SETTLE_TIMEOUT: Duration = Duration::from_millis(5);

/// A function of Lambda: the service, and what it answers events with.
pub struct Function {
    service: Arc<Service>,
    http: HttpFunction,
    share: Share,
    /// Time until the model was ready.
    init: Duration,
    answered: AtomicBool,
}

/// A reply to an event.
struct Reply {
    json: Vec<u8>,
    failed: bool,
}

impl Function {
    /// Makes a function of a service that was ready after `init`.
    #[must_use]
    pub fn new(service: Arc<Service>, http: HttpFunction, init: Duration) -> Self {
        Self {
            share: service.admission().share(),
            service,
            http,
            init,
            answered: AtomicBool::new(false),
        }
    }

    /// Answers an event of the function `name`, and writes its metrics.
    ///
    /// # Errors
    ///
    /// If a reply cannot be written as JSON, which every reply can.
    pub(super) async fn answer(
        &self,
        name: &str,
        id: &str,
        event: &RawValue,
    ) -> serde_json::Result<Box<RawValue>> {
        let start = Instant::now();
        let is_first = !self.answered.swap(true, Ordering::Relaxed);
        let before = self.service.metrics().tokens.get();
        let reply = match Event::of(event) {
            Event::Http(event, origin) => self.answer_http(*event, origin, id).await?,
            Event::Line(line) => self.answer_line(line).await?,
            Event::Other => self.answer_line(STATUS.to_vec()).await?,
        };
        // What is not sent when this process is frozen may be lost.
        self.service.settle(SETTLE_TIMEOUT).await;
        let metrics = Invocation {
            function: name,
            init: is_first.then_some(self.init),
            elapsed: start.elapsed(),
            tokens: self.service.metrics().tokens.get().saturating_sub(before),
            failed: reply.failed,
        };
        if let Err(error) = metrics.write() {
            tracing::warn!(%error, "the metrics of an invocation are lost");
        }
        // JSON is UTF-8, and this is JSON.
        RawValue::from_string(String::from_utf8(reply.json).unwrap_or_default())
    }

    async fn answer_http(
        &self,
        event: HttpEvent,
        origin: Origin,
        id: &str,
    ) -> serde_json::Result<Reply> {
        let style = ReplyStyle {
            origin,
            header_lists: event.has_header_lists(),
        };
        let id = HeaderValue::from_str(id).ok();
        let path = event.path(origin).to_owned();
        let address = event.address(origin);
        let texts = self.texts();
        let mut reply = match event.request(origin) {
            Ok(mut request) => {
                if let Some(id) = &id {
                    let headers = request.headers_mut();
                    headers.entry(REQUEST_ID).or_insert_with(|| id.clone());
                }
                self.http.answer(request, address).await
            }
            Err(problem) => malformed(&path, problem).await,
        };
        let limit = match origin {
            Origin::LoadBalancer => MOST_LOAD_BALANCER_BYTES,
            Origin::RestApi | Origin::HttpApi => MOST_BYTES,
        };
        let mut json = style.encode(&reply)?;
        if json.len() > limit {
            let (message, mut hint) = over_limit(json.len(), limit, self.texts() - texts);
            if path.ends_with("/embeddings") {
                hint += "; base64 vectors take half as much";
            }
            let id = reply.headers_mut().remove(REQUEST_ID);
            reply = too_large(&path, message, hint).await;
            if let Some(id) = id {
                reply.headers_mut().insert(REQUEST_ID, id);
            }
            json = style.encode(&reply)?;
        } else if let Some(id) = id
            && !reply.headers().contains_key(REQUEST_ID)
        {
            reply.headers_mut().insert(REQUEST_ID, id);
            json = style.encode(&reply)?;
        }
        Ok(Reply {
            json,
            failed: reply.status().as_u16() >= 400,
        })
    }

    async fn answer_line(&self, line: Vec<u8>) -> serde_json::Result<Reply> {
        let context = Context::new(&self.service, self.service.new_caller(), ReplyForm::Json);
        let texts = self.texts();
        let answered = answer_line(&context, &self.share, Allowed::Harmless, line, None).await;
        let failed = answered.outcome.is_err();
        let json = answered.encode().await?;
        if json.len() <= MOST_BYTES {
            return Ok(Reply { json, failed });
        }
        let (message, hint) = over_limit(json.len(), MOST_BYTES, self.texts() - texts);
        let error = ErrorReply::new(ErrorCode::TooLarge, message).with_hint(hint);
        Ok(Reply {
            json: request_line::encode(None, &Err(error))?,
            failed: true,
        })
    }

    /// The service that answers.
    pub(super) fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// Texts that have been answered so far.
    fn texts(&self) -> u64 {
        self.service.counters().texts
    }
}

/// Message and hint about a reply of `bytes` for so many texts.
fn over_limit(bytes: usize, limit: usize, texts: u64) -> (String, String) {
    let texts = usize::try_from(texts).unwrap_or(usize::MAX);
    let planned = limit / 100 * PLANNED_PERCENT;
    let fitting = texts.saturating_mul(planned) / bytes.max(1);
    let message = format!("the reply has {bytes} bytes, and {limit} can be sent back");
    let hint = match texts {
        0 => "ask for less at a time".to_owned(),
        _ => format!("about {fitting} texts like these fit"),
    };
    (message, hint)
}
