//! Attention.

use gte_kernels::{Attention, Cpu, QueryRows};

use crate::noise::noise;

/// Computes `softmax(q kᵀ / √size) v` of each head of one text in f64. `qkv` has a row of `3 *
/// hidden` values per token.
fn attended(qkv: &[f32], heads: usize, hidden: usize) -> Vec<f64> {
    let size = hidden / heads;
    let tokens = qkv.len() / (3 * hidden);
    let value = |token: usize, which: usize, channel: usize| {
        f64::from(qkv[token * 3 * hidden + which * hidden + channel])
    };
    let mut context = vec![0.0; tokens * hidden];
    #[expect(clippy::cast_precision_loss, reason = "dozens")]
    let root = (size as f64).sqrt();
    for head in 0..heads {
        let channels = head * size..(head + 1) * size;
        for query in 0..tokens {
            let score = |key: usize| {
                let products = channels
                    .clone()
                    .map(|c| value(query, 0, c) * value(key, 1, c));
                (products.sum::<f64>() / root).exp()
            };
            let scores: Vec<f64> = (0..tokens).map(score).collect();
            let total: f64 = scores.iter().sum();
            for channel in channels.clone() {
                let values = scores
                    .iter()
                    .enumerate()
                    .map(|(key, score)| score * value(key, 2, channel));
                context[query * hidden + channel] = values.sum::<f64>() / total;
            }
        }
    }
    context
}

#[test]
fn attention_matches_f64_text_by_text() {
    let (heads, hidden) = (3, 60);
    let lengths = if cfg!(miri) {
        vec![1, 7, 50]
    } else {
        vec![1, 7, 64, 2, 33, 130]
    };
    let tokens: usize = lengths.iter().sum();
    let mut qkv = noise(tokens * 3 * hidden, 5);
    // Some values are much larger than the others, as in real texts.
    for value in qkv.iter_mut().step_by(97) {
        *value *= 12.0;
    }
    let mut expected = Vec::new();
    let mut rest = qkv.as_slice();
    for tokens in &lengths {
        let (own, others) = rest.split_at(tokens * 3 * hidden);
        expected.extend(attended(own, heads, hidden));
        rest = others;
    }
    for cpu in Cpu::all() {
        let attention = Attention::new(cpu, heads);
        let mut ours = vec![0.0; tokens * hidden];
        attention
            .forward(&qkv, &lengths, QueryRows::All, &mut ours)
            .unwrap();
        for (ours, expected) in ours.iter().zip(&expected) {
            assert!(
                (f64::from(*ours) - expected).abs() < 2e-5,
                "{attention:?}: {ours} for {expected}"
            );
        }
        let mut cls_rows = vec![0.0; lengths.len() * hidden];
        attention
            .forward(&qkv, &lengths, QueryRows::First, &mut cls_rows)
            .unwrap();
        let mut first = 0;
        for (length, own) in lengths.iter().zip(cls_rows.chunks_exact(hidden)) {
            let row = &ours[first * hidden..(first + 1) * hidden];
            assert_eq!(own, row, "{attention:?}");
            first += length;
        }
    }
}

#[test]
fn attention_to_nan_is_not_a_number() {
    let (tokens, hidden) = (9, 8);
    // In a query, a key and a value of the fourth token.
    for channel in [0, 8, 16] {
        let mut qkv = noise(tokens * 3 * hidden, 5);
        qkv[3 * 3 * hidden + channel] = f32::NAN;
        for cpu in Cpu::all() {
            let attention = Attention::new(cpu, 1);
            let mut context = vec![0.0; tokens * hidden];
            attention
                .forward(&qkv, &[tokens], QueryRows::All, &mut context)
                .unwrap();
            let fourth = &context[3 * hidden..4 * hidden];
            assert!(
                fourth.iter().any(|value| !value.is_finite()),
                "{attention:?}, channel {channel}: {fourth:?}"
            );
        }
    }
}

#[test]
fn lengths_that_do_not_match_are_refused() {
    let (tokens, hidden) = (5, 8);
    let qkv = noise(tokens * 3 * hidden, 5);
    let forward = |heads, lengths: &[usize], context: usize| {
        Attention::new(Cpu::detect(), heads).forward(
            &qkv,
            lengths,
            QueryRows::All,
            &mut vec![0.0; context],
        )
    };
    assert_eq!(forward(2, &[2, 3], tokens * hidden), Ok(()));
    assert!(
        forward(2, &[2, 3], hidden).is_err(),
        "a context that is too short"
    );
    assert!(
        forward(2, &[2, 4], tokens * hidden).is_err(),
        "a token more"
    );
    assert!(forward(3, &[2, 3], tokens * hidden).is_err(), "8 by 3");
    assert!(forward(0, &[2, 3], tokens * hidden).is_err(), "no heads");
    assert!(forward(2, &[], 0).is_err(), "no texts");
}
