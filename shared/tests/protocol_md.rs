//! Comparison of the examples in PROTOCOL.md with what the codec writes and reads.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::collections::HashMap;
use std::fmt::Debug;

use gte_shared::score::{CalibrationState, Meaning, Scale, ScoreKind, Verdict};
use gte_shared::wire::codec::{decode, encode};
use gte_shared::wire::frame::write_frame;
use gte_shared::wire::json::{parse_request, reply_line};
use gte_shared::wire::{
    CacheStatus, ClosestWord, Computed, DiskCacheStatus, Embed, Embedding, ErrorCode, ErrorReply,
    Explain, ExplainedWord, Explanation, GetStatus, Hello, Hit, Latency, MAGIC, ModelInfo,
    PROTOCOL, PairScore, Pooling, Precision, Rank, Ranking, Reply, ReplyEnvelope, Request,
    RequestEnvelope, ScoreWithout, Shutdown, Similarities, Similarity, State, Status, TextInfo,
    TextOptions, TextRules, TextStep, TextSteps, Timings, Truncation, UseModel, Welcome,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

const DOCUMENT: &str = include_str!("../PROTOCOL.md");

/// Blocks of the document that begin with "```hex name" or "```json name", by name.
fn examples(kind: &str) -> HashMap<&'static str, &'static str> {
    let start = format!("```{kind} ");
    DOCUMENT
        .split(start.as_str())
        .skip(1)
        .map(|rest| {
            let (name, rest) = rest.split_once('\n').unwrap();
            (name, rest.split("```").next().unwrap())
        })
        .collect()
}

/// Bytes of a hex block, in which a `;` begins a comment.
fn bytes(block: &str) -> Vec<u8> {
    block
        .lines()
        .flat_map(|line| line.split(';').next().unwrap().split_whitespace())
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.join(" ")
}

async fn framed(payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    write_frame(&mut frame, payload).await.unwrap();
    frame
}

/// Compares the bytes of a message with its example, and decodes them. `before` precedes the frame.
async fn check<T>(name: &str, before: &[u8], message: &T)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let examples = examples("hex");
    let block = examples
        .get(name)
        .unwrap_or_else(|| panic!("no example {name}"));
    let payload = encode(message).unwrap();
    let ours = [before.to_vec(), framed(&payload).await].concat();
    assert_eq!(hex(&bytes(block)), hex(&ours), "{name}");
    assert_eq!(&decode::<T>(&payload).unwrap(), message, "{name}");
}

fn model() -> ModelInfo {
    ModelInfo {
        id: "bge".into(),
        dimension: 512,
        pooling: Pooling::Cls,
        max_tokens: 512,
        precision: Precision::Int8,
        builtin: true,
        rules: TextRules {
            text_steps: TextSteps::NONE.with(TextStep::Lowercase),
            truncation: Truncation::Head,
        },
        scale: Scale {
            meaning: Meaning::Rating,
            calibration: CalibrationState::Shipped,
        },
    }
}

fn timings() -> Timings {
    Timings {
        tokenize_micros: 60,
        embed_micros: 9000,
        total_micros: 9100,
    }
}

fn text() -> TextInfo {
    TextInfo {
        tokens: 8,
        total_tokens: 8,
        cut_at: None,
        windows: 1,
        unknown: 1,
        unknown_at: vec![(2, 5)],
        changed_by: TextSteps::NONE,
    }
}

fn score() -> PairScore {
    PairScore {
        cosine: 0.5,
        similarity: 50.0,
        verdict: Verdict::Low,
        a: text(),
        b: text(),
        same_tokens: false,
    }
}

fn computed<T>(result: T) -> Computed<T> {
    Computed {
        model: model(),
        timings: timings(),
        result,
    }
}

fn explanation() -> Explanation {
    Explanation {
        score: score(),
        a: vec![ExplainedWord {
            word: "天".into(),
            from: 0,
            to: 1,
            without: Some(ScoreWithout {
                cosine: 0.5,
                similarity: 49.0,
            }),
            closest: Some(ClosestWord {
                index: 0,
                cosine: 0.5,
            }),
        }],
        b: vec![ExplainedWord {
            word: "a".into(),
            from: 0,
            to: 1,
            without: None,
            closest: None,
        }],
    }
}

fn replies() -> [(&'static str, Reply); 8] {
    let hit = Hit {
        index: 0,
        cosine: 0.5,
        similarity: 50.0,
        verdict: Verdict::Low,
        text: text(),
        same_tokens: false,
    };
    let ranking = Ranking {
        query: text(),
        hits: vec![hit],
    };
    let embedding = Embedding {
        vector: vec![0.5, -0.5],
        text: text(),
    };
    let status = Status {
        version: "0.1.0".into(),
        protocol: PROTOCOL,
        pid: 4711,
        detached: true,
        activated: false,
        state: State::Ready,
        model: model(),
        second_model: None,
        threads: 2,
        uptime_seconds: 60,
        connections: 1,
        requests: 3,
        texts: 6,
        pending_texts: 0,
        texts_per_second: 0.5,
        idle_seconds: 7,
        latency: Latency {
            requests: 3,
            p50_micros: 90,
            p90_micros: 9100,
            p99_micros: 9100,
            max_micros: 9100,
        },
        cache: CacheStatus {
            hits: 2,
            misses: 4,
            texts: 4,
            bytes: 9000,
        },
        disk_cache: Some(DiskCacheStatus {
            hits: 2,
            misses: 2,
            bytes: 65536,
            faults: 0,
            problem: None,
        }),
        resident_bytes: 150_000_000,
    };
    [
        ("reply similarity", Reply::Similarity(computed(score()))),
        (
            "reply similarities",
            Reply::Similarities(computed(vec![score()])),
        ),
        ("reply ranking", Reply::Ranking(computed(ranking))),
        (
            "reply embeddings",
            Reply::Embeddings(computed(vec![embedding])),
        ),
        ("reply status", Reply::Status(status)),
        ("reply stopping", Reply::Stopping),
        ("reply selected", Reply::Selected(model())),
        (
            "reply explanation",
            Reply::Explanation(computed(explanation())),
        ),
    ]
}

fn error() -> ErrorReply {
    ErrorReply {
        code: ErrorCode::BlankText,
        message: "blank".into(),
        hint: None,
        text: Some(1),
    }
}

#[tokio::test]
async fn the_handshake_is_as_documented() {
    let hello = Hello {
        protocol: PROTOCOL,
        version: "0.1.0".into(),
    };
    check("hello", &MAGIC, &hello).await;
    let welcome = Welcome {
        protocol: PROTOCOL,
        version: "0.1.0".into(),
    };
    check::<Result<Welcome, ErrorReply>>("welcome", &[], &Ok(welcome)).await;
    let refusal = ErrorReply::new(ErrorCode::ProtocolMismatch, "no");
    check::<Result<Welcome, ErrorReply>>("refusal", &[], &Err(refusal)).await;
}

#[tokio::test]
async fn requests_are_as_documented() {
    let [a, b] = ["天", "a"].map(str::to_owned);
    let requests: [(&str, Request); 8] = [
        (
            "request similarity",
            Similarity {
                a: a.clone(),
                b: b.clone(),
                options: TextOptions::default(),
            }
            .into(),
        ),
        (
            "request similarities",
            Similarities {
                pairs: vec![(a.clone(), b.clone())],
                options: TextOptions::default(),
            }
            .into(),
        ),
        (
            "request rank",
            Rank {
                query: a.clone(),
                texts: vec![b.clone()],
                options: TextOptions::default(),
            }
            .into(),
        ),
        (
            "request embed",
            Embed {
                texts: vec![a.clone()],
                options: TextOptions {
                    text_steps: Some(TextSteps::NONE),
                    truncation: Some(Truncation::Chunk),
                    score: ScoreKind::Raw,
                    model: Some("bge".into()),
                },
            }
            .into(),
        ),
        ("request status", GetStatus.into()),
        ("request shutdown", Shutdown.into()),
        (
            "request use",
            UseModel {
                model: "bge".into(),
            }
            .into(),
        ),
        (
            "request explain",
            Explain {
                a,
                b,
                options: TextOptions::default(),
            }
            .into(),
        ),
    ];
    for (name, request) in requests {
        check::<RequestEnvelope>(name, &[], &(7, request)).await;
    }
}

#[tokio::test]
async fn replies_are_as_documented() {
    for (name, reply) in replies() {
        check::<ReplyEnvelope>(name, &[], &(7, Ok(reply))).await;
    }
    check::<ReplyEnvelope>("reply error", &[], &(7, Err(error()))).await;
}

#[test]
fn json_replies_are_as_documented() {
    let documented = examples("json");
    let outcomes = replies().map(|(name, reply)| (name, Ok(reply)));
    for (name, outcome) in outcomes.into_iter().chain([("reply error", Err(error()))]) {
        let ours = String::from_utf8(reply_line(None, &outcome).unwrap()).unwrap();
        let block = documented
            .get(name)
            .unwrap_or_else(|| panic!("no example {name}: {ours}"));
        assert_eq!(block.trim_end(), ours, "{name}");
    }
}

#[test]
fn json_requests_are_as_documented() {
    let block = examples("json")["requests"];
    assert_eq!(block.lines().count(), 9);
    for line in block.lines() {
        let (_, request) = parse_request(line.as_bytes());
        request.unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

#[test]
fn codes_are_as_documented() {
    let codes = [
        (ErrorCode::ProtocolMismatch, "protocol_mismatch"),
        (ErrorCode::BadFrame, "bad_frame"),
        (ErrorCode::TooLarge, "too_large"),
        (ErrorCode::BadRequest, "bad_request"),
        (ErrorCode::BlankText, "blank_text"),
        (ErrorCode::Overloaded, "overloaded"),
        (ErrorCode::Internal, "internal"),
        (ErrorCode::Model, "model"),
    ];
    for (number, (code, name)) in codes.into_iter().enumerate() {
        assert_eq!(encode(&code).unwrap(), [u8::try_from(number).unwrap()]);
        assert_eq!(serde_json::to_value(code).unwrap(), name);
        assert!(
            DOCUMENT.contains(&format!("| {number} | `{name}` |")),
            "{name}"
        );
    }
}
