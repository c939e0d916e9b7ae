//! Dispatch of requests to their handlers.

use std::time::{Duration, Instant};

use gte_shared::wire::{ErrorReply, MAX_FRAME_BYTES, MAX_TEXTS_PER_REQUEST, Reply, Request};

use super::handle::Handle;
use super::panic::catch;
use super::reply::{micros, too_many};
use crate::serve::admission::{SMALL_BYTES, bytes_at_work};
use crate::serve::context::{Context, Sizes};

/// Memory that a request takes while it is at work; `message` is the size of its message. Zero for
/// a command.
///
/// # Errors
///
/// If the request has too many texts, or a reply that cannot fit into a message.
pub(in crate::serve) fn weigh(
    context: &Context,
    request: &Request,
    message: usize,
) -> Result<usize, ErrorReply> {
    match request {
        Request::Similarity(request) => weigh_request(context, request, message),
        Request::Similarities(request) => weigh_request(context, request, message),
        Request::Rank(request) => weigh_request(context, request, message),
        Request::Embed(request) => weigh_request(context, request, message),
        Request::GetStatus(request) => weigh_request(context, request, message),
        Request::Shutdown(request) => weigh_request(context, request, message),
        Request::UseModel(request) => weigh_request(context, request, message),
        Request::Explain(request) => weigh_request(context, request, message),
    }
}

/// Weighs a request; counts and logs a refused one.
fn weigh_request<H: Handle>(
    context: &Context,
    request: &H,
    message: usize,
) -> Result<usize, ErrorReply> {
    let weighed = weight(context, request, message);
    if let Err(error) = &weighed {
        context.service.count_request(0);
        let metrics = context.service.metrics();
        metrics.count(H::NAME, Some(error.code), Duration::ZERO);
        let (connection, request) = (context.caller.0, context.number);
        tracing::debug!(connection, request, bytes = message, code = ?error.code, "request refused");
    }
    weighed
}

fn weight<H: Handle>(context: &Context, request: &H, message: usize) -> Result<usize, ErrorReply> {
    let texts = request.text_count();
    if texts > MAX_TEXTS_PER_REQUEST {
        return Err(too_many(texts, MAX_TEXTS_PER_REQUEST));
    }
    if texts == 0 {
        // A command is answered whatever room there is, unless it is strangely large.
        return Ok(if message <= SMALL_BYTES { 0 } else { message });
    }
    let known = context.sizes(request.options());
    let sizes = known.as_ref().unwrap_or(&Sizes::LARGEST);
    let reply = match request.reply_bytes(context.form, sizes.dimension) {
        Ok(reply) => reply,
        Err(error) if known.is_some() => return Err(error),
        // Vectors of the model that it names may be shorter.
        Err(_) => MAX_FRAME_BYTES,
    };
    let vectors = request.most_vectors(sizes, message);
    Ok(bytes_at_work(message, vectors, sizes.dimension, reply))
}

/// Answers one request.
pub(in crate::serve) async fn answer(
    context: &Context,
    request: Request,
) -> Result<Reply, ErrorReply> {
    match request {
        Request::Similarity(request) => run(context, request).await,
        Request::Similarities(request) => run(context, request).await,
        Request::Rank(request) => run(context, request).await,
        Request::Embed(request) => run(context, request).await,
        Request::GetStatus(request) => run(context, request).await,
        Request::Shutdown(request) => run(context, request).await,
        Request::UseModel(request) => run(context, request).await,
        Request::Explain(request) => run(context, request).await,
    }
}

/// Handles, counts and logs a request.
async fn run<H: Handle>(context: &Context, request: H) -> Result<Reply, ErrorReply> {
    let texts = request.text_count();
    let start = Instant::now();
    let _working = H::IS_WORK.then(|| context.service.begin_work());
    let outcome = catch(request.handle(context)).await;
    let computed = if outcome.is_ok() { texts } else { 0 };
    context.service.count_request(computed);
    let elapsed = start.elapsed();
    let code = outcome.as_ref().err().map(|error| error.code);
    context.service.metrics().count(H::NAME, code, elapsed);
    if computed > 0 {
        context.service.recent().record(elapsed, computed);
    }
    let (connection, request) = (context.caller.0, context.number);
    let micros = micros(elapsed);
    match &outcome {
        Ok(_) => tracing::debug!(connection, request, texts, micros, "request answered"),
        Err(error) => {
            tracing::debug!(connection, request, texts, micros, code = ?error.code, "request refused");
        }
    }
    outcome.map(H::reply)
}
