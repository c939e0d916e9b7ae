//! Requests, replies and errors of the binary protocol.

use std::io::Write;
use std::net::Shutdown;

use gte_shared::wire::{
    Embed, ErrorCode, GetStatus, MAX_FRAME_BYTES, MAX_TEXTS_PER_REQUEST, Rank, Reply, Request,
};
use gte_tests::{Daemon, GOLDEN_A, GOLDEN_COSINE, INT8_TOLERANCE, Sandbox};

use super::frames::{
    assert_still_answers, connect, greet, last_error, pair, reply, send, send_request,
};

#[test]
fn several_requests_in_flight_get_their_own_replies() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut stream = connect(&daemon, &sandbox);
    let texts = vec![GOLDEN_A.to_owned(); 3];
    send_request(
        &mut stream,
        71,
        Embed {
            texts,
            ..Embed::default()
        },
    );
    send_request(&mut stream, 72, GetStatus);
    send_request(&mut stream, 73, pair());
    let mut ids = Vec::new();
    for _ in 0..3 {
        let (id, outcome) = reply(&mut stream);
        match (id, outcome.expect("no error")) {
            (71, Reply::Embeddings(computed)) => assert_eq!(computed.result.len(), 3),
            (72, Reply::Status(status)) => assert_eq!(status.model.dimension, 512),
            (73, Reply::Similarity(computed)) => {
                let cosine = f64::from(computed.result.cosine);
                assert!((cosine - GOLDEN_COSINE).abs() < INT8_TOLERANCE);
                assert_eq!(computed.model.id, "bge-small-zh-v1.5");
                let timings = computed.timings;
                assert!(timings.total_micros >= timings.embed_micros);
            }
            other => panic!("a reply of an unexpected kind: {other:?}"),
        }
        ids.push(id);
    }
    ids.sort_unstable();
    assert_eq!(ids, [71, 72, 73]);
}

#[test]
fn another_protocol_number_is_refused_and_named() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let error = greet(&mut daemon.connect(&sandbox), 99).expect_err("it is refused");
    assert_eq!(error.code, ErrorCode::ProtocolMismatch);
    assert!(error.message.contains("protocol 99"), "{error}");
    assert_still_answers(&sandbox);
}

#[test]
fn an_unknown_request_gets_an_error_under_its_id() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut stream = connect(&daemon, &sandbox);
    // An unknown request under id 5, then a frame without an id.
    for (frame, id) in [(&[5, 200][..], 5), (&b""[..], 0)] {
        send(&mut stream, frame);
        let (replied, outcome) = reply(&mut stream);
        assert_eq!(replied, id);
        let error = outcome.expect_err("it is refused");
        assert_eq!(error.code, ErrorCode::BadRequest);
    }
    // The connection stays usable.
    send_request(&mut stream, 6, pair());
    assert!(matches!(reply(&mut stream), (6, Ok(Reply::Similarity(_)))));
}

#[test]
fn an_oversized_frame_gets_an_error() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut stream = connect(&daemon, &sandbox);
    let length = u32::try_from(MAX_FRAME_BYTES + 1).expect("the limit is small");
    stream
        .write_all(&length.to_le_bytes())
        .expect("a length can be sent");
    assert_eq!(last_error(&mut stream).code, ErrorCode::TooLarge);
    assert_still_answers(&sandbox);
}

#[test]
fn a_frame_that_ends_in_its_middle_gets_an_error() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut stream = connect(&daemon, &sandbox);
    stream
        .write_all(&[9, 0, 0, 0, 1])
        .expect("half a frame can be sent");
    stream
        .shutdown(Shutdown::Write)
        .expect("one side can be closed");
    assert_eq!(last_error(&mut stream).code, ErrorCode::BadFrame);
    assert_still_answers(&sandbox);
}

#[test]
fn too_many_texts_are_refused_before_they_are_computed() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut stream = connect(&daemon, &sandbox);
    let requests = [
        // More than a request may have.
        Request::Rank(Rank {
            query: "甲".into(),
            texts: vec!["乙".into(); MAX_TEXTS_PER_REQUEST],
            ..Rank::default()
        }),
        // More vectors than a reply has room for.
        Request::Embed(Embed {
            texts: vec!["乙".into(); 10_000],
            ..Embed::default()
        }),
    ];
    for request in requests {
        send_request(&mut stream, 1, request);
        let error = reply(&mut stream).1.expect_err("it is refused");
        assert_eq!(error.code, ErrorCode::TooLarge);
        assert!(error.hint.is_some());
    }
    assert_still_answers(&sandbox);
}
