//! Helpers of the handlers: vectors, scores, and common parts of replies.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gte_shared::score::{self, Verdict};
use gte_shared::wire::{
    Computed, ErrorCode, ErrorReply, MAX_FRAME_BYTES, PairScore, TextInfo, Timings,
};

use crate::engine::{Embedded, EngineError};
use crate::serve::context::Context;
use crate::serve::offload::offload;

/// Computes the vectors of texts; an error of the engine becomes a reply.
pub(super) async fn embed(context: &Context, texts: Vec<String>) -> Result<Embedded, ErrorReply> {
    let loaded = context.service.load(&context.selected).await?;
    let embedded = loaded.engine.embed(context.caller, texts).await;
    embedded.map_err(|error| {
        if matches!(error, EngineError::Ended) {
            context.service.fail();
        }
        let reply = ErrorReply::from(error);
        if reply.code == ErrorCode::Internal {
            tracing::error!(error = %reply, "request failed");
        }
        reply
    })
}

/// Adds the model and the time since `start` to a result.
pub(super) fn computed<T>(
    context: &Context,
    start: Instant,
    [tokenize, embed]: [Duration; 2],
    result: T,
) -> Computed<T> {
    let selected = &context.selected;
    // What was loaded in place of an unloaded model has a description of its own.
    let model = selected
        .get()
        .map_or(&selected.model, |loaded| &loaded.model);
    Computed {
        model: model.clone(),
        timings: Timings {
            tokenize_micros: micros(tokenize),
            embed_micros: micros(embed),
            total_micros: micros(start.elapsed()),
        },
        result,
    }
}

pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Makes the result of the texts of a request, on a thread for long work if they are many.
pub(super) async fn result_of<T: Send + 'static>(
    embedded: Embedded,
    result: impl FnOnce(&[(Arc<[f32]>, TextInfo)]) -> T + Send + 'static,
) -> Result<([Duration; 2], T), ErrorReply> {
    let Embedded {
        texts,
        tokenize,
        embed,
    } = embedded;
    let bytes = texts.iter().map(|(vector, _)| size_of_val(&**vector)).sum();
    let result = offload(bytes, move || result(&texts)).await?;
    Ok(([tokenize, embed], result))
}

/// Scores two texts, given as vectors of unit length.
pub(super) fn score_pair(
    (a, a_info): &(impl AsRef<[f32]>, TextInfo),
    (b, b_info): &(impl AsRef<[f32]>, TextInfo),
) -> PairScore {
    let cosine = score::cosine(a.as_ref(), b.as_ref());
    let similarity = score::similarity(cosine);
    PairScore {
        cosine,
        similarity,
        verdict: Verdict::of(similarity),
        a: *a_info,
        b: *b_info,
    }
}

/// Makes the error for fewer vectors than texts, which the engine rules out.
pub(super) fn incomplete() -> ErrorReply {
    ErrorReply::new(ErrorCode::Internal, "the engine returned too few vectors")
}

/// Makes the error for a request of too many texts.
pub(super) fn too_many(texts: usize, limit: usize) -> ErrorReply {
    let message = format!("the request has {texts} texts; the limit of its kind is {limit}");
    ErrorReply::new(ErrorCode::TooLarge, message).with_hint("send it in several requests")
}

/// Makes the error that replaces a reply over the limit.
pub(in crate::serve) fn reply_too_large(bytes: usize) -> ErrorReply {
    let message = format!("the reply has {bytes} bytes; the limit is {MAX_FRAME_BYTES}");
    ErrorReply::new(ErrorCode::TooLarge, message).with_hint("ask for fewer texts at a time")
}
