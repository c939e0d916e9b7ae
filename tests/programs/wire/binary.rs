//! Both protocols over the real socket, spoken well and badly.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;

use gte_shared::VERSION;
use gte_shared::wire::codec::{decode, encode};
use gte_shared::wire::{
    Embed, ErrorCode, ErrorReply, GetStatus, Hello, MAGIC, MAX_FRAME_BYTES, MAX_TEXTS_PER_REQUEST,
    PROTOCOL, Rank, Reply, ReplyEnvelope, Request, Similarity, Welcome,
};
use gte_tests::{Daemon, GOLDEN_COSINE, INT8_TOLERANCE, Sandbox, has_golden_score};
use serde_json::{Value, json};

const GOOD: &str = "今天天气很好";
const FINE: &str = "今天天气不错";

fn send(stream: &mut UnixStream, payload: &[u8]) {
    let length = u32::try_from(payload.len()).expect("it fits");
    stream
        .write_all(&length.to_le_bytes())
        .expect("a frame can be sent");
    stream.write_all(payload).expect("a frame can be sent");
}

fn receive(stream: &mut UnixStream) -> Vec<u8> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).expect("a frame comes");
    let mut payload = vec![0; u32::from_le_bytes(length) as usize];
    stream.read_exact(&mut payload).expect("the frame is whole");
    payload
}

fn reply(stream: &mut UnixStream) -> (u64, Result<Reply, ErrorReply>) {
    decode::<ReplyEnvelope>(&receive(stream)).expect("it is a reply")
}

/// The error that the daemon sends before it closes the connection.
fn last_error(stream: &mut UnixStream) -> ErrorReply {
    let (id, outcome) = reply(stream);
    assert_eq!(id, 0);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("the end comes");
    assert_eq!(rest, b"");
    outcome.expect_err("it is an error")
}

fn greet(stream: &mut UnixStream, protocol: u32) -> Result<Welcome, ErrorReply> {
    stream.write_all(&MAGIC).expect("the opening can be sent");
    let version = "test".to_owned();
    send(
        stream,
        &encode(&Hello { protocol, version }).expect("it encodes"),
    );
    decode(&receive(stream)).expect("it is the answer to a greeting")
}

fn connect(daemon: &Daemon, sandbox: &Sandbox) -> UnixStream {
    let mut stream = daemon.connect(sandbox);
    let welcome = greet(&mut stream, PROTOCOL).expect("the daemon is of this build");
    assert_eq!(
        (welcome.protocol, welcome.version.as_str()),
        (PROTOCOL, VERSION)
    );
    stream
}

fn still_answers(sandbox: &Sandbox) {
    sandbox.run(&["sim", GOOD, FINE, "--no-start"]).success();
}

fn pair() -> Request {
    Similarity {
        a: GOOD.into(),
        b: FINE.into(),
    }
    .into()
}

#[test]
fn several_requests_in_flight_get_their_own_replies() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut stream = connect(&daemon, &sandbox);
    let texts = vec![GOOD.to_owned(); 3];
    let requests = [
        (71_u64, Embed { texts }.into()),
        (72, GetStatus.into()),
        (73, pair()),
    ];
    for request in &requests {
        send(&mut stream, &encode(request).expect("it encodes"));
    }
    let mut ids: Vec<u64> = requests
        .iter()
        .map(|_| {
            let (id, outcome) = reply(&mut stream);
            match (id, outcome.expect("no error")) {
                (71, Reply::Embeddings(computed)) => assert_eq!(computed.result.len(), 3),
                (72, Reply::Status(status)) => assert_eq!(status.model.dimension, 512),
                (73, Reply::Similarity(computed)) => {
                    assert!(
                        (f64::from(computed.result.cosine) - GOLDEN_COSINE).abs() < INT8_TOLERANCE
                    );
                    assert_eq!(computed.model.id, "bge-small-zh-v1.5");
                    let timings = computed.timings;
                    assert!(timings.total_micros >= timings.embed_micros);
                }
                other => panic!("an answer to another question: {other:?}"),
            }
            id
        })
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, [71, 72, 73]);
}

#[test]
fn another_protocol_number_is_told_in_words() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let error = greet(&mut daemon.connect(&sandbox), 99).expect_err("it is refused");
    assert_eq!(error.code, ErrorCode::ProtocolMismatch);
    assert!(error.message.contains("protocol 99"), "{error}");
    still_answers(&sandbox);
}

#[test]
fn an_unknown_request_gets_an_error_under_its_id_and_the_connection_lives() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut stream = connect(&daemon, &sandbox);
    send(&mut stream, &[5, 200]);
    let (id, outcome) = reply(&mut stream);
    assert_eq!(id, 5);
    assert_eq!(
        outcome.expect_err("it is refused").code,
        ErrorCode::BadRequest
    );

    send(&mut stream, b"");
    let (id, outcome) = reply(&mut stream);
    assert_eq!(id, 0);
    assert_eq!(
        outcome.expect_err("it is refused").code,
        ErrorCode::BadRequest
    );

    send(&mut stream, &encode(&(6_u64, pair())).expect("it encodes"));
    assert!(matches!(reply(&mut stream), (6, Ok(Reply::Similarity(_)))));
}

#[test]
fn an_oversized_frame_gets_an_error_and_harms_nobody() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut stream = connect(&daemon, &sandbox);
    let length = u32::try_from(MAX_FRAME_BYTES + 1).expect("it fits");
    stream
        .write_all(&length.to_le_bytes())
        .expect("a length can be sent");
    assert_eq!(last_error(&mut stream).code, ErrorCode::TooLarge);
    still_answers(&sandbox);
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
        .shutdown(std::net::Shutdown::Write)
        .expect("one side can be closed");
    assert_eq!(last_error(&mut stream).code, ErrorCode::BadFrame);
    still_answers(&sandbox);
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
        }),
        // More vectors than a reply holds.
        Request::Embed(Embed {
            texts: vec!["乙".into(); 10_000],
        }),
    ];
    for request in requests {
        send(&mut stream, &encode(&(1_u64, request)).expect("it encodes"));
        let error = reply(&mut stream).1.expect_err("it is refused");
        assert_eq!(error.code, ErrorCode::TooLarge);
        assert!(error.hint.is_some());
    }
    still_answers(&sandbox);
}

#[test]
fn garbage_gets_an_error_and_harms_nobody() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    // A cheap generator of bytes that are no protocol, the same in every run.
    let mut seed: u32 = 7;
    let mut garbage = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.to_be_bytes()[0]
    };
    for length in [1, 3, 4, 5, 64, 4096] {
        let bytes: Vec<u8> = (0..length).map(|_| garbage()).collect();
        for opening in [&b""[..], b"GTE1", b"GTE9", b"{"] {
            let mut stream = daemon.connect(&sandbox);
            // The daemon may have had enough before all is sent.
            drop(
                stream
                    .write_all(opening)
                    .and_then(|()| stream.write_all(&bytes)),
            );
            drop(stream.shutdown(std::net::Shutdown::Write));
            let mut answer = Vec::new();
            drop(stream.read_to_end(&mut answer));
        }
    }
    let mut stream = daemon.connect(&sandbox);
    stream.write_all(b"HTTP").expect("an opening can be sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer comes");
    let answer: Value = serde_json::from_str(&answer).expect("it is JSON");
    assert!(answer["error"].as_str().expect("words").contains("neither"));
    still_answers(&sandbox);
}

#[test]
fn half_a_frame_then_silence_keeps_nobody_else_waiting() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let half: Vec<UnixStream> = (0..30)
        .map(|_| {
            let mut stream = connect(&daemon, &sandbox);
            stream
                .write_all(&[200, 0, 0, 0, 1, 2, 3])
                .expect("half a frame can be sent");
            stream
        })
        .collect();
    still_answers(&sandbox);
    drop(half);
    still_answers(&sandbox);
}

#[test]
fn a_client_that_goes_in_the_middle_of_its_request_harms_nobody() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    for _ in 0..10 {
        let mut stream = connect(&daemon, &sandbox);
        let texts = vec!["长".repeat(500); 8];
        send(
            &mut stream,
            &encode(&(1_u64, Request::Embed(Embed { texts }))).expect("it encodes"),
        );
    }
    still_answers(&sandbox);
}

/// A connection in the JSON protocol.
struct Lines(BufReader<UnixStream>);

impl Lines {
    fn ask(&mut self, line: &str) -> Value {
        let stream = self.0.get_mut();
        writeln!(stream, "{line}").expect("a line can be sent");
        let mut reply = String::new();
        self.0.read_line(&mut reply).expect("a reply comes");
        serde_json::from_str(&reply).expect("the reply is JSON")
    }
}

#[test]
fn json_lines_answer_every_kind_of_request() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut lines = Lines(BufReader::new(daemon.connect(&sandbox)));

    let reply = lines.ask(&json!({"a": GOOD, "b": FINE}).to_string());
    assert!(has_golden_score(&reply["similarity"].to_string()));
    assert_eq!(reply["interpretation"], "高度相似");
    assert_eq!(reply["a"], json!({"tokens": 8, "truncated": false}));
    assert_eq!(reply["model"], "bge-small-zh-v1.5");

    let reply = lines.ask(&json!({"pairs": [[GOOD, FINE], [GOOD, GOOD]], "id": "x"}).to_string());
    assert_eq!(reply["id"], "x");
    assert!(has_golden_score(
        &reply["results"][0]["similarity"].to_string()
    ));
    assert_eq!(reply["results"][1]["cosine"], 1.0);

    let reply = lines.ask(&json!({"query": GOOD, "texts": ["退款", FINE]}).to_string());
    let order: Vec<&Value> = reply["results"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|hit| &hit["index"])
        .collect();
    assert_eq!(order, [1, 0]);

    let reply = lines.ask(&json!({"texts": [GOOD]}).to_string());
    assert_eq!(
        reply["results"][0]["embedding"].as_array().map(Vec::len),
        Some(512)
    );
    assert_eq!(reply["dimension"], 512);
    assert_eq!(reply["pooling"], "cls");

    let reply = lines.ask(r#"{"command":"status"}"#);
    assert_eq!(
        reply["status"]["threads"]
            .as_u64()
            .map(|threads| threads > 0),
        Some(true)
    );
}

#[test]
fn json_errors_are_objects_and_the_connection_lives() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut lines = Lines(BufReader::new(daemon.connect(&sandbox)));
    let cases = [
        (json!({"a": GOOD}).to_string(), "bad_request"),
        (json!({"a": GOOD, "b": " "}).to_string(), "blank_text"),
        (
            json!({"texts": vec!["乙"; 10_000]}).to_string(),
            "too_large",
        ),
        ("no json at all".to_owned(), "bad_request"),
        ("{".to_owned(), "bad_request"),
        ("[1,2]".to_owned(), "bad_request"),
    ];
    // The first byte has said which protocol this is.
    lines.ask(&json!({"a": GOOD, "b": FINE}).to_string());
    for (line, code) in cases {
        let reply = lines.ask(&line);
        assert_eq!(reply["code"], code, "{line}");
        assert!(reply["error"].is_string());
    }
    let reply = lines.ask(&json!({"a": GOOD, "b": " ", "id": 9}).to_string());
    assert_eq!([&reply["text"], &reply["id"]], [1, 9]);
    let reply = lines.ask(&json!({"a": GOOD, "b": FINE}).to_string());
    assert!(has_golden_score(&reply["similarity"].to_string()));
}

#[test]
fn a_last_line_without_line_feed_is_answered() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut stream = daemon.connect(&sandbox);
    write!(stream, "{{\"a\":\"{GOOD}\",\"b\":\"{FINE}\"}}").expect("a line can be sent");
    stream
        .shutdown(std::net::Shutdown::Write)
        .expect("one side can be closed");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer comes");
    assert!(
        answer.ends_with("}\n") && has_golden_score(&answer),
        "{answer}"
    );
}

#[test]
fn an_endless_line_is_refused_at_the_limit() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut stream = daemon.connect(&sandbox);
    let writer = stream.try_clone().expect("a socket can be cloned");
    let flood = std::thread::spawn(move || {
        let mut writer = writer;
        let piece = vec![b'x'; 1 << 20];
        writer
            .write_all(b"{")
            .and_then(|()| (0..17).try_for_each(|_| writer.write_all(&piece)))
    });
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok();
    // The daemon may have closed before all was sent.
    drop(flood.join().expect("the writer does not panic"));
    assert!(answer.contains("too_large"), "{answer}");
    still_answers(&sandbox);
}
