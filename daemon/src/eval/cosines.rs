//! Cosines of pairs.

use std::collections::HashMap;
use std::sync::Arc;

use gte_shared::score::cosine;
use gte_shared::wire::{TextInfo, TextRules};

use super::error::EvalError;
use super::pairs::Pair;
use crate::engine::{Embed, EmbedError, Tokenize, Tokens, batches, pool};
use crate::model::Model;

/// Cosine of a pair, and what became of its texts.
#[derive(Clone, Debug)]
pub(crate) struct Scored {
    /// Cosine of the two vectors.
    pub(crate) cosine: f64,
    /// Readings of the texts.
    pub(crate) texts: [TextInfo; 2],
    /// True if the texts differ, and have become the same tokens.
    pub(crate) same_tokens: bool,
}

/// Computes the cosines of pairs, in their order. `done` is told the number of texts after each
/// batch, and the number of all of them.
///
/// # Errors
///
/// If a text cannot be tokenized, or the model fails.
pub(crate) fn score_pairs(
    model: &Model,
    rules: TextRules,
    pairs: &[Pair],
    mut done: impl FnMut(usize, usize),
) -> Result<Vec<Scored>, EvalError> {
    let mut tokens = Vec::with_capacity(2 * pairs.len());
    for Pair { a, b, line, .. } in pairs {
        for text in [a, b] {
            let text = model.tokenizer.tokenize(text, rules);
            tokens.push(text.map_err(|problem| EvalError::Text {
                line: *line,
                problem,
            })?);
        }
    }
    let windows = tokens.iter().flat_map(|tokens| &tokens.windows);
    // Each text once, and texts of a length together.
    let mut different: Vec<&[u32]> = windows.map(|ids| &**ids).collect();
    different.sort_unstable_by_key(|ids| (ids.len(), *ids));
    different.dedup();
    let mut vectors: HashMap<&[u32], Arc<[f32]>> = HashMap::with_capacity(different.len());
    for batch in batches(&different) {
        let computed = model.encoder.embed(batch)?;
        vectors.extend(
            batch
                .iter()
                .copied()
                .zip(computed.into_iter().map(Arc::from)),
        );
        done(vectors.len(), different.len());
    }
    let vector = |windows: &[Arc<[u32]>]| {
        let of = windows
            .iter()
            .map(|ids| vectors.get(&**ids).map(Arc::clone));
        let of: Option<Vec<_>> = of.collect();
        let left_out = || EmbedError("the model left out a text".to_owned());
        Ok::<_, EvalError>(pool(windows, of.ok_or_else(left_out)?.into_iter()))
    };
    let (texts, _) = tokens.as_chunks::<2>();
    let score = |([a, b], pair): (&[Tokens; 2], &Pair)| {
        let cosine = cosine(&vector(&a.windows)?, &vector(&b.windows)?);
        Ok(Scored {
            cosine: f64::from(cosine),
            texts: [a.info.clone(), b.info.clone()],
            same_tokens: pair.a != pair.b && a.windows == b.windows,
        })
    };
    texts.iter().zip(pairs).map(score).collect()
}
