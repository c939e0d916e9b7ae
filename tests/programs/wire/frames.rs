//! Frames of the binary protocol, written and read by hand.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use gte_shared::VERSION;
use gte_shared::wire::codec::{decode, encode};
use gte_shared::wire::{
    ErrorReply, Hello, MAGIC, PROTOCOL, Reply, ReplyEnvelope, Request, Similarity, Welcome,
};
use gte_tests::{Daemon, GOLDEN_A, GOLDEN_B, Sandbox};

/// Sends a frame.
pub(crate) fn send(stream: &mut UnixStream, payload: &[u8]) {
    let length = u32::try_from(payload.len()).expect("the payload is short");
    stream
        .write_all(&length.to_le_bytes())
        .expect("a frame can be sent");
    stream.write_all(payload).expect("a frame can be sent");
}

/// Sends a request under an id.
pub(crate) fn send_request(stream: &mut UnixStream, id: u64, request: impl Into<Request>) {
    let request: Request = request.into();
    send(stream, &encode(&(id, request)).expect("it encodes"));
}

/// Receives the payload of a frame.
fn receive(stream: &mut UnixStream) -> Vec<u8> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).expect("a frame comes");
    let mut payload = vec![0; u32::from_le_bytes(length) as usize];
    stream.read_exact(&mut payload).expect("the frame is whole");
    payload
}

/// Receives a reply and the id of its request.
pub(crate) fn reply(stream: &mut UnixStream) -> (u64, Result<Reply, ErrorReply>) {
    decode::<ReplyEnvelope>(&receive(stream)).expect("the frame is a reply")
}

/// Receives an error under id 0, after which the daemon closes the connection.
pub(crate) fn last_error(stream: &mut UnixStream) -> ErrorReply {
    let (id, outcome) = reply(stream);
    assert_eq!(id, 0);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("the connection ends");
    assert_eq!(rest, b"");
    outcome.expect_err("the reply is an error")
}

/// Opens a connection with this protocol number.
pub(crate) fn greet(stream: &mut UnixStream, protocol: u32) -> Result<Welcome, ErrorReply> {
    stream.write_all(&MAGIC).expect("the opening can be sent");
    let version = "test".to_owned();
    let hello = Hello { protocol, version };
    send(stream, &encode(&hello).expect("it encodes"));
    decode(&receive(stream)).expect("the frame answers a greeting")
}

/// Connects to a daemon in the binary protocol.
pub(crate) fn connect(daemon: &Daemon, sandbox: &Sandbox) -> UnixStream {
    let mut stream = daemon.connect(sandbox);
    let welcome = greet(&mut stream, PROTOCOL).expect("the daemon is of this build");
    assert_eq!(
        (welcome.protocol, welcome.version.as_str()),
        (PROTOCOL, VERSION)
    );
    stream
}

/// Asserts that the daemon answers another client.
pub(crate) fn assert_still_answers(sandbox: &Sandbox) {
    sandbox
        .run(&["sim", GOLDEN_A, GOLDEN_B, "--no-start"])
        .success();
}

/// Request for the score of the reference pair.
pub(crate) fn pair() -> Request {
    Similarity::of(GOLDEN_A.into(), GOLDEN_B.into()).into()
}
