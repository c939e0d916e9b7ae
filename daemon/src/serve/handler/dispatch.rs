//! Dispatch of requests to their handlers.

use std::time::Instant;

use gte_shared::wire::{ErrorReply, MAX_TEXTS_PER_REQUEST, Reply, Request};

use super::handle::Handle;
use super::panic::catch;
use super::reply::too_many;
use crate::serve::service::Service;

/// Answers one request.
pub(in crate::serve) async fn answer(
    service: &Service,
    request: Request,
) -> Result<Reply, ErrorReply> {
    match request {
        Request::Similarity(request) => run(service, request).await,
        Request::Similarities(request) => run(service, request).await,
        Request::Rank(request) => run(service, request).await,
        Request::Embed(request) => run(service, request).await,
        Request::GetStatus(request) => run(service, request).await,
        Request::Shutdown(request) => run(service, request).await,
        Request::UseModel(request) => run(service, request).await,
    }
}

/// Checks, handles, counts and logs a request.
async fn run<H: Handle>(service: &Service, request: H) -> Result<Reply, ErrorReply> {
    let texts = request.text_count();
    let start = Instant::now();
    let outcome = if texts > MAX_TEXTS_PER_REQUEST {
        Err(too_many(texts, MAX_TEXTS_PER_REQUEST))
    } else {
        catch(request.handle(service)).await
    };
    service.count_request(if outcome.is_ok() { texts } else { 0 });
    let elapsed = start.elapsed();
    match &outcome {
        Ok(_) => tracing::debug!(texts, ?elapsed, "request answered"),
        Err(error) => tracing::debug!(texts, ?elapsed, code = ?error.code, "request refused"),
    }
    outcome.map(H::reply)
}
