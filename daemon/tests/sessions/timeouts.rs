//! Clients that stop in the middle, send nothing, or begin without a greeting.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use gte_daemon::{engine, serve};
use gte_shared::wire::codec::{decode, encode};
use gte_shared::wire::{ErrorCode, ErrorReply, Hello, MAGIC, PROTOCOL, ReplyEnvelope, Welcome};

use crate::daemon::{Daemon, SHORT};

fn short_stalls() -> serve::Limits {
    serve::Limits {
        stall_timeout: SHORT,
        ..serve::Limits::default()
    }
}

pub(crate) fn frame(payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
    [&length, payload].concat()
}

pub(crate) fn greeting() -> Vec<u8> {
    let hello = Hello {
        protocol: PROTOCOL,
        version: "test".to_owned(),
    };
    [MAGIC.to_vec(), frame(&encode(&hello).unwrap())].concat()
}

/// Sends `bytes`. Returns all that comes until the daemon closes the connection.
async fn send_and_listen(mut stream: UnixStream, bytes: Vec<u8>) -> Vec<u8> {
    let talk = move || {
        stream.write_all(&bytes).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    };
    tokio::task::spawn_blocking(talk).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_frame_times_out() {
    let daemon = Daemon::start(short_stalls(), engine::Limits::default());
    let half_a_frame = [greeting(), vec![9, 0, 0, 0, 1]].concat();
    let answer = send_and_listen(daemon.stream(), half_a_frame).await;
    // The welcome, then the error.
    let welcome = 4 + u32::from_le_bytes(*answer.first_chunk().unwrap()) as usize;
    let (id, outcome) = decode::<ReplyEnvelope>(&answer[welcome + 4..]).unwrap();
    assert_eq!(id, 0);
    assert_eq!(outcome.unwrap_err().code, ErrorCode::BadFrame);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_line_times_out() {
    let daemon = Daemon::start(short_stalls(), engine::Limits::default());
    let answer = send_and_listen(daemon.stream(), b"{\"a\":".to_vec()).await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains("a line stopped in its middle"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_connection_is_closed() {
    let limits = serve::Limits {
        handshake_timeout: SHORT,
        ..serve::Limits::default()
    };
    let daemon = Daemon::start(limits, engine::Limits::default());
    assert_eq!(send_and_listen(daemon.stream(), vec![]).await, b"");
    let answer = send_and_listen(daemon.stream(), b"GTE".to_vec()).await;
    let refusal = decode::<Result<Welcome, ErrorReply>>(&answer[4..]).unwrap();
    assert_eq!(refusal.unwrap_err().code, ErrorCode::BadFrame);
}

#[tokio::test(flavor = "multi_thread")]
async fn between_messages_a_connection_has_no_timeout() {
    let daemon = Daemon::start(short_stalls(), engine::Limits::default());
    let mut stream = daemon.stream();
    let talk = move || {
        stream.write_all(&greeting()).unwrap();
        let mut length = [0; 4];
        stream.read_exact(&mut length).unwrap();
        let mut welcome = vec![0; u32::from_le_bytes(length) as usize];
        stream.read_exact(&mut welcome).unwrap();
        // A pause of several timeouts, which is the subject of this test.
        std::thread::sleep(3 * SHORT);
        stream.write_all(&frame(&[7, 4])).unwrap();
        let mut reply = [0; 5];
        stream.read_exact(&mut reply).unwrap();
        assert_eq!(reply[4], 7);
    };
    tokio::task::spawn_blocking(talk).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_frame_without_greeting_is_refused() {
    let daemon = Daemon::start(short_stalls(), engine::Limits::default());
    for (bytes, code) in [
        (frame(b"nonsense"), ErrorCode::BadFrame),
        (u32::MAX.to_le_bytes().to_vec(), ErrorCode::TooLarge),
    ] {
        let bytes = [MAGIC.to_vec(), bytes].concat();
        let answer = send_and_listen(daemon.stream(), bytes).await;
        let refusal = decode::<Result<Welcome, ErrorReply>>(&answer[4..]).unwrap();
        assert_eq!(refusal.unwrap_err().code, code);
    }
}
