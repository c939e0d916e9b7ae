//! Request lines: an error never quotes the line.

#![no_main]

use gte_shared::wire::json::{parse_request, reply_line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    let (id, request) = parse_request(line);
    if let Err(error) = request {
        // What is asked for is a fixed text, and only numbers differ.
        assert!(error.message.len() < 200, "{error}");
        reply_line(id.as_ref(), &Err(error)).unwrap();
    }
});
