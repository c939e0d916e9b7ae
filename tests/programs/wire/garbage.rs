//! Clients that send garbage, stop in the middle or disconnect: no other client is affected.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use gte_tests::{Daemon, Sandbox};
use serde_json::Value;

use super::frames::{assert_still_answers, connect};

#[test]
fn garbage_affects_no_other_client() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    // Pseudo-random bytes, the same in every run.
    let mut seed: u32 = 7;
    let mut garbage = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.to_be_bytes()[0]
    };
    for length in [1, 3, 4, 5, 64, 4096] {
        let bytes: Vec<u8> = (0..length).map(|_| garbage()).collect();
        for opening in [&b""[..], b"GTE1", b"GTE9", b"{"] {
            let mut stream = daemon.connect(&sandbox);
            // The daemon may close the connection before all bytes are sent.
            drop(
                stream
                    .write_all(opening)
                    .and_then(|()| stream.write_all(&bytes)),
            );
            drop(stream.shutdown(Shutdown::Write));
            let mut answer = Vec::new();
            drop(stream.read_to_end(&mut answer));
        }
    }
    assert_still_answers(&sandbox);
}

#[test]
fn an_opening_of_another_protocol_gets_an_error() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut stream = daemon.connect(&sandbox);
    stream
        .write_all(b"SSH-2.0-OpenSSH_10.0\r\n")
        .expect("an opening can be sent");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("the daemon replies and closes the connection");
    let answer: Value = serde_json::from_str(&answer).expect("the answer is JSON");
    assert!(answer["error"].as_str().expect("words").contains("GTE1"));
    assert_still_answers(&sandbox);
}

#[test]
fn half_a_frame_delays_no_other_client() {
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
    assert_still_answers(&sandbox);
    drop(half);
    assert_still_answers(&sandbox);
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
    // The daemon may close the connection before all bytes are sent.
    drop(flood.join().expect("the thread does not panic"));
    assert!(answer.contains("too_large"), "{answer}");
    assert_still_answers(&sandbox);
}
