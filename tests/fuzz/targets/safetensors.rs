//! Weights in safetensors: header, shapes, types and values.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| gte_daemon::fuzzing::safetensors(file));
