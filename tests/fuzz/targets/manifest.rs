//! Manifests of installed models.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|json: &[u8]| gte_daemon::fuzzing::manifest(json));
