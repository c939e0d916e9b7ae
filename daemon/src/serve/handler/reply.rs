//! Helpers of the handlers: vectors, scores, and common parts of replies.

use std::time::{Duration, Instant};

use gte_shared::score::{self, Verdict};
use gte_shared::wire::{
    Computed, ErrorCode, ErrorReply, MAX_FRAME_BYTES, ModelInfo, PairScore, TextOptions, TextRules,
    Timings,
};

use crate::engine::{Embedded, EmbeddedText, Engine, EngineError};
use crate::serve::context::{Answering, Context};
use crate::serve::offload::offload;
use crate::serve::scales::Scoring;

/// Result of the engine for a request, and the model that computed it.
pub(super) struct Answered<T> {
    pub(super) computed: T,
    /// Model, with the rules and the scale of the request.
    pub(super) model: ModelInfo,
    /// Scale of the request.
    pub(super) scoring: Scoring,
}

/// Computes the vectors of texts.
pub(super) async fn embed(
    context: &Context,
    texts: Vec<String>,
    options: &TextOptions,
) -> Result<Answered<Embedded>, ErrorReply> {
    let answered = answer(context, options, async |engine, rules| {
        engine.embed(context.caller, texts, rules).await
    });
    let answered = answered.await?;
    let texts = answered.computed.texts.iter().map(|text| &text.info);
    context.service.metrics().count_texts(texts);
    Ok(answered)
}

/// Has the engine of the request's model `compute`, by the rules of the request; an error of the
/// engine becomes a reply.
pub(super) async fn answer<T>(
    context: &Context,
    options: &TextOptions,
    compute: impl AsyncFnOnce(&Engine, TextRules) -> Result<T, EngineError>,
) -> Result<Answered<T>, ErrorReply> {
    let answering = context.answering(options).await?;
    let loaded = answering.loaded();
    let rules = options.rules(loaded.model.rules);
    let computed = compute(&loaded.engine, rules).await.map_err(|error| {
        if matches!(error, EngineError::Ended) {
            match &answering {
                Answering::Selected(_) => context.service.fail(),
                // The others do not depend on it, and the next request loads it again.
                Answering::Second(in_use) => in_use.give_up(),
            }
        }
        let reply = ErrorReply::from(error);
        if reply.code == ErrorCode::Internal {
            tracing::error!(error = %reply, "request failed");
        }
        reply
    })?;
    let scoring = loaded.scales.scoring(rules.text_steps, options.score);
    let model = ModelInfo {
        rules,
        scale: scoring.scale,
        ..loaded.model.clone()
    };
    Ok(Answered {
        computed,
        model,
        scoring,
    })
}

/// Adds the model and the time since `start` to a result.
pub(super) fn computed<T>(
    model: ModelInfo,
    start: Instant,
    [tokenize, embed]: [Duration; 2],
    result: T,
) -> Computed<T> {
    Computed {
        model,
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
    result: impl FnOnce(&[EmbeddedText]) -> T + Send + 'static,
) -> Result<([Duration; 2], T), ErrorReply> {
    let Embedded {
        texts,
        tokenize,
        embed,
    } = embedded;
    let bytes = texts.iter().map(|text| size_of_val(&*text.vector)).sum();
    let result = offload(bytes, move || result(&texts)).await?;
    Ok(([tokenize, embed], result))
}

/// Scores two texts.
pub(super) fn score_pair(scoring: &Scoring, a: &EmbeddedText, b: &EmbeddedText) -> PairScore {
    let cosine = score::cosine(&a.vector, &b.vector);
    let similarity = scoring.score(cosine);
    PairScore {
        cosine,
        similarity,
        verdict: Verdict::of(similarity),
        a: a.info.clone(),
        b: b.info.clone(),
        same_tokens: a.is_confused_with(b),
    }
}

/// Makes the error for fewer vectors than texts, which the engine rules out.
pub(super) fn incomplete() -> ErrorReply {
    ErrorReply::new(ErrorCode::Internal, "the engine returned too few vectors")
}

/// Makes the error for a request of too many texts.
pub(in crate::serve) fn too_many(texts: usize, limit: usize) -> ErrorReply {
    let message = format!("the request has {texts} texts; the limit of its kind is {limit}");
    ErrorReply::new(ErrorCode::TooLarge, message).with_hint("send it in several requests")
}

/// Makes the error that replaces a reply over the limit.
pub(in crate::serve) fn reply_too_large(bytes: usize) -> ErrorReply {
    let message = format!("the reply has {bytes} bytes; the limit is {MAX_FRAME_BYTES}");
    ErrorReply::new(ErrorCode::TooLarge, message).with_hint("ask for fewer texts at a time")
}
