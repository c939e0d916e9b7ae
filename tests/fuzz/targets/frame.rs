//! Frames and messages of the binary protocol: what decodes encodes to a message that decodes to
//! the same.

#![no_main]

use std::time::Duration;

use gte_shared::wire::codec::{decode, decode_prefix, encode};
use gte_shared::wire::frame::read_frame;
use gte_shared::wire::{ErrorReply, Hello, ReplyEnvelope, RequestEnvelope, Welcome};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let mut rest = bytes;
    runtime.block_on(async {
        while let Ok(Some(payload)) = read_frame(&mut rest, Duration::from_secs(1)).await {
            message(&payload);
        }
    });
    message(bytes);
});

fn message(payload: &[u8]) {
    drop(decode_prefix::<u64>(payload));
    drop(decode::<Hello>(payload));
    drop(decode::<Result<Welcome, ErrorReply>>(payload));
    if let Ok(request) = decode::<RequestEnvelope>(payload) {
        let again = encode(&request).unwrap();
        assert_eq!(decode::<RequestEnvelope>(&again).unwrap(), request);
    }
    if let Ok(reply) = decode::<ReplyEnvelope>(payload) {
        // Encoded again, not compared: a vector may hold values that equal nothing (NaN).
        let again = encode(&reply).unwrap();
        decode::<ReplyEnvelope>(&again).unwrap();
    }
}
