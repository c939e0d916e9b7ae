//! One file a request. A handler turns a request into a reply with the help of the engine.

mod embed;
mod rank;
mod similarities;
mod similarity;
mod status;
mod switch;

use std::time::{Duration, Instant};

use gte_shared::score;
use gte_shared::wire::{
    Computed, ErrorCode, ErrorReply, MAX_TEXTS_PER_REQUEST, PairScore, Reply, Request, TextInfo,
    Timings,
};

use super::{Loaded, Service};
use crate::engine::{Embedded, EngineError, TokenizeError};

type Outcome = Result<Reply, ErrorReply>;

/// Answers one request.
pub(super) async fn answer(service: &Service, request: Request) -> Outcome {
    let texts = match &request {
        Request::Similarity { .. } => 2,
        Request::Similarities { pairs } => 2 * pairs.len(),
        Request::Rank { texts, .. } => 1 + texts.len(),
        Request::Embed { texts } => texts.len(),
        Request::Status | Request::Shutdown | Request::Use { .. } => 0,
    };
    let start = Instant::now();
    let outcome = if texts > MAX_TEXTS_PER_REQUEST {
        Err(too_many(texts, MAX_TEXTS_PER_REQUEST))
    } else {
        let loaded = service.loaded();
        match request {
            Request::Similarity { a, b } => similarity::answer(&loaded, a, b).await,
            Request::Similarities { pairs } => similarities::answer(&loaded, pairs).await,
            Request::Rank { query, texts } => rank::answer(&loaded, query, texts).await,
            Request::Embed { texts } => embed::answer(&loaded, texts).await,
            Request::Use { model } => switch::answer(service, model).await,
            Request::Status => Ok(Reply::Status(status::answer(service))),
            Request::Shutdown => {
                tracing::info!("a client asked for the end");
                service.stop();
                Ok(Reply::Stopping)
            }
        }
    };
    service.count(1, if outcome.is_ok() { texts } else { 0 });
    let elapsed = start.elapsed();
    match &outcome {
        Ok(_) => tracing::debug!(texts, ?elapsed, "answered"),
        Err(error) => tracing::debug!(texts, ?elapsed, code = ?error.code, "refused"),
    }
    outcome
}

fn too_many(texts: usize, most: usize) -> ErrorReply {
    ErrorReply::new(
        ErrorCode::TooLarge,
        format!("the request has {texts} texts, and this kind may have {most}"),
    )
    .with_hint("send it in several requests")
}

/// The texts' vectors, or the engine's error as the client is told it.
async fn embed(loaded: &Loaded, texts: Vec<String>) -> Result<Embedded, ErrorReply> {
    loaded.engine.embed(texts).await.map_err(|error| {
        let message = error.to_string();
        match error {
            EngineError::Text { index, problem } => ErrorReply {
                code: match problem {
                    TokenizeError::Blank => ErrorCode::BlankText,
                    TokenizeError::Failed => ErrorCode::Internal,
                },
                message: match problem {
                    TokenizeError::Blank => format!("text {index} is blank: {problem}"),
                    TokenizeError::Failed => message,
                },
                hint: None,
                text: u32::try_from(index).ok(),
            },
            EngineError::TooLong { index, .. } => ErrorReply {
                code: ErrorCode::TooLarge,
                message,
                hint: Some("send the part of it that matters; a model reads 512 tokens".to_owned()),
                text: u32::try_from(index).ok(),
            },
            EngineError::Overloaded { .. } => ErrorReply::new(ErrorCode::Overloaded, message)
                .with_hint("try again in a moment, with fewer texts at a time"),
            EngineError::Embed(_) | EngineError::Ended => {
                tracing::error!(%error, "a request could not be computed");
                ErrorReply::new(ErrorCode::Internal, message)
            }
        }
    })
}

/// A result with the model and the time that it took since `start`.
fn computed<T>(loaded: &Loaded, start: Instant, embedded: &Embedded, result: T) -> Computed<T> {
    Computed {
        model: loaded.model.clone(),
        timings: Timings {
            tokenize_micros: micros(embedded.tokenize),
            embed_micros: micros(embedded.embed),
            total_micros: micros(start.elapsed()),
        },
        result,
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The score of two texts that the engine has embedded.
fn score_pair(
    (a, a_info): &(impl AsRef<[f32]>, TextInfo),
    (b, b_info): &(impl AsRef<[f32]>, TextInfo),
) -> PairScore {
    let cosine = score::cosine(a.as_ref(), b.as_ref());
    let similarity = score::similarity(cosine);
    PairScore {
        cosine,
        similarity,
        label: score::Label::of(similarity),
        a: *a_info,
        b: *b_info,
    }
}

/// The engine gave fewer vectors than it was given texts. It checks that it does not.
fn incomplete() -> ErrorReply {
    ErrorReply::new(ErrorCode::Internal, "the engine gave too few vectors")
}
