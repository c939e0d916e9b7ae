//! The codec with random messages and random bytes.

#![allow(clippy::unwrap_used, reason = "tests")]

use gte_shared::score::{CalibrationState, Meaning, Scale, ScoreKind, Verdict};
use gte_shared::wire::codec::{decode, encode};
use gte_shared::wire::{
    Computed, Embed, Embedding, ErrorCode, ErrorReply, GetStatus, MAX_FRAME_BYTES, ModelInfo,
    PairScore, Pooling, Precision, Rank, Reply, ReplyEnvelope, Request, RequestEnvelope, Shutdown,
    Similarities, Similarity, TextInfo, TextOptions, TextRules, TextSteps, Timings, Truncation,
    UseModel,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn request() -> impl Strategy<Value = Request> {
    let text = || any::<String>();
    prop_oneof![
        (text(), text(), options()).prop_map(|(a, b, options)| Similarity { a, b, options }.into()),
        (vec((text(), text()), 0..5), options()).prop_map(|(pairs, options)| Similarities {
            pairs,
            options
        }
        .into()),
        (text(), vec(text(), 0..5), options()).prop_map(|(query, texts, options)| Rank {
            query,
            texts,
            options
        }
        .into()),
        (vec(text(), 0..5), options()).prop_map(|(texts, options)| Embed { texts, options }.into()),
        text().prop_map(|model| UseModel { model }.into()),
        Just(GetStatus.into()),
        Just(Shutdown.into()),
    ]
}

fn steps() -> impl Strategy<Value = TextSteps> {
    any::<[bool; 3]>().prop_map(|[nfkc, punctuation, lowercase]| TextSteps {
        nfkc,
        punctuation,
        lowercase,
    })
}

fn truncation() -> impl Strategy<Value = Truncation> {
    prop_oneof![
        Just(Truncation::Head),
        Just(Truncation::Tail),
        Just(Truncation::Error),
        Just(Truncation::Chunk)
    ]
}

fn options() -> impl Strategy<Value = TextOptions> {
    let rules = (option::of(steps()), option::of(truncation()));
    (rules, any::<bool>(), any::<Option<String>>()).prop_map(
        |((text_steps, truncation), raw, model)| TextOptions {
            text_steps,
            truncation,
            score: if raw {
                ScoreKind::Raw
            } else {
                ScoreKind::Calibrated
            },
            model,
        },
    )
}

fn info() -> impl Strategy<Value = TextInfo> {
    let places = vec(any::<(u32, u32)>(), 0..3);
    (any::<[u32; 4]>(), any::<Option<u32>>(), places, steps()).prop_map(
        |([tokens, total_tokens, windows, unknown], cut_at, unknown_at, changed_by)| TextInfo {
            tokens,
            total_tokens,
            cut_at,
            windows,
            unknown,
            unknown_at,
            changed_by,
        },
    )
}

fn computed<T: std::fmt::Debug>(
    result: impl Strategy<Value = T>,
) -> impl Strategy<Value = Computed<T>> {
    let rules = (steps(), truncation()).prop_map(|(text_steps, truncation)| TextRules {
        text_steps,
        truncation,
    });
    let model = (any::<(String, u32, u32, bool)>(), any::<[bool; 2]>(), rules);
    let model = model.prop_map(
        |((id, dimension, max_tokens, builtin), [mean, int8], rules)| ModelInfo {
            id,
            dimension,
            pooling: if mean { Pooling::Mean } else { Pooling::Cls },
            max_tokens,
            precision: if int8 {
                Precision::Int8
            } else {
                Precision::F32
            },
            builtin,
            rules,
            scale: Scale {
                meaning: if int8 {
                    Meaning::Rating
                } else {
                    Meaning::Probability
                },
                calibration: CalibrationState::Fitted,
            },
        },
    );
    let timings = any::<[u64; 3]>().prop_map(|[tokenize, embed, total]| Timings {
        tokenize_micros: tokenize,
        embed_micros: embed,
        total_micros: total,
    });
    (model, timings, result).prop_map(|(model, timings, result)| Computed {
        model,
        timings,
        result,
    })
}

fn score() -> impl Strategy<Value = PairScore> {
    let verdict = prop_oneof![
        Just(Verdict::Low),
        Just(Verdict::Medium),
        Just(Verdict::High)
    ];
    let texts = (info(), info(), any::<bool>());
    (-1.0_f32..=1.0, 0.0..=100.0, verdict, texts).prop_map(
        |(cosine, similarity, verdict, (a, b, same_tokens))| PairScore {
            cosine,
            similarity,
            verdict,
            a,
            b,
            same_tokens,
        },
    )
}

fn reply() -> impl Strategy<Value = Result<Reply, ErrorReply>> {
    let embedding =
        (vec(-1.0_f32..=1.0, 0..9), info()).prop_map(|(vector, text)| Embedding { vector, text });
    let code = prop_oneof![
        Just(ErrorCode::BlankText),
        Just(ErrorCode::Overloaded),
        Just(ErrorCode::Model)
    ];
    let error = (
        code,
        any::<String>(),
        option::of(any::<String>()),
        any::<Option<u32>>(),
    );
    prop_oneof![
        computed(score()).prop_map(|score| Ok(Reply::Similarity(score))),
        computed(vec(score(), 0..4)).prop_map(|scores| Ok(Reply::Similarities(scores))),
        computed(vec(embedding, 0..4)).prop_map(|vectors| Ok(Reply::Embeddings(vectors))),
        Just(Ok(Reply::Stopping)),
        error.prop_map(|(code, message, hint, text)| Err(ErrorReply {
            code,
            message,
            hint,
            text
        })),
    ]
}

proptest! {
    #[test]
    fn a_request_decodes_to_itself(id: u64, request in request()) {
        let envelope: RequestEnvelope = (id, request);
        let bytes = encode(&envelope).unwrap();
        prop_assert_eq!(decode::<RequestEnvelope>(&bytes).unwrap(), envelope);
    }

    #[test]
    fn a_reply_decodes_to_itself(id: u64, reply in reply()) {
        let envelope: ReplyEnvelope = (id, reply);
        let bytes = encode(&envelope).unwrap();
        prop_assert_eq!(decode::<ReplyEnvelope>(&bytes).unwrap(), envelope);
    }

    #[test]
    fn a_part_of_a_message_does_not_decode(id: u64, request in request(), cut: prop::sample::Index) {
        let bytes = encode(&(id, request)).unwrap();
        let part = &bytes[..cut.index(bytes.len())];
        prop_assert!(decode::<RequestEnvelope>(part).is_err());
    }

    #[test]
    fn any_bytes_decode_or_give_an_error(bytes in vec(any::<u8>(), 0..300)) {
        if let Ok(request) = decode::<RequestEnvelope>(&bytes) {
            prop_assert!(encode(&request).unwrap().len() <= MAX_FRAME_BYTES);
        }
        drop(decode::<ReplyEnvelope>(&bytes));
    }
}
