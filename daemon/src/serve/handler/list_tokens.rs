//! The tokens of texts, which HTTP alone asks for.

use std::time::Instant;

use gte_shared::wire::{ErrorReply, TextOptions};

use super::panic::catch;
use super::reply::{Answered, answer};
use crate::engine::ListedToken;
use crate::serve::context::Context;

/// Most bytes of memory per byte of the texts: a token with its text, and two copies of its entry
/// in a reply, such as `{"id":21128,"text":"甲","special":false,"start":12345,"stop":12346},`.
pub(in crate::serve) const LIST_BYTES_PER_BYTE: usize = 320;

/// Returns the tokens of each text, none of which is cut.
///
/// # Errors
///
/// If the model cannot be loaded, a text is too long, or the tokenizer fails.
pub(in crate::serve) async fn list_tokens(
    context: &Context,
    texts: Vec<String>,
    options: &TextOptions,
) -> Result<Vec<Vec<ListedToken>>, ErrorReply> {
    let start = Instant::now();
    let count = texts.len();
    let _working = context.service.begin_work();
    let listing = answer(context, options, async |engine, rules| {
        engine.list_tokens(texts, rules).await
    });
    let outcome = catch(listing).await;
    let code = outcome.as_ref().err().map(|error| error.code);
    context
        .service
        .metrics()
        .count("tokenize", code, start.elapsed());
    tracing::debug!(
        connection = context.caller.0,
        request = context.number,
        texts = count,
        ?code,
        "tokens listed"
    );
    outcome.map(|Answered { computed, .. }| computed)
}
