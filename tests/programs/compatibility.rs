//! Formats of earlier versions, recorded in `fixtures/formats`: installed models stay usable, and
//! messages to clients and daemons of another protocol say what to update.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixListener;

use gte_tests::{Daemon, GOLDEN_A, GOLDEN_B, Sandbox, fixture};
use serde_json::Value;

use crate::models::{copy_folder, utf8};

/// Cosine of the reference pair in f32, with a model.
fn cosine(sandbox: &Sandbox, model: &str) -> f64 {
    let _daemon = Daemon::start(sandbox, &["--model", model, "--precision", "f32"]);
    let scored = sandbox.run(&["sim", GOLDEN_A, GOLDEN_B, "--json"]).json();
    sandbox.run(&["stop"]).success();
    scored["cosine"].as_f64().expect("a number")
}

#[test]
fn a_model_installed_with_manifest_1_stays_usable() {
    let sandbox = Sandbox::default();
    copy_folder(&fixture("formats/manifest-1"), &sandbox.models());
    let rows = sandbox.gted(&["models", "--json"]).json();
    let row = |row: &&Value| row["name"] == "tiny";
    let row = rows.as_array().and_then(|rows| rows.iter().find(row));
    let row = row.expect("the model is listed");
    assert_eq!(row["installed"], true);
    assert_eq!(row["source"], "huggingface:owner/tiny");
    let verified = sandbox.gted(&["verify", "tiny"]).success();
    assert!(verified.contains("tiny: 6 files have"), "{verified}");
    // The pack scores as the files that it was made from.
    let made_from = fixture("tiny-bert/hf");
    let expected = cosine(&sandbox, utf8(&made_from));
    let ours = cosine(&sandbox, "tiny");
    assert!((ours - expected).abs() < 1e-6, "{ours} for {expected}");
}

#[test]
fn a_client_of_protocol_3_is_told_to_update() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let recorded = fs::read(fixture("formats/protocol-3/client.bin"));
    let recorded = recorded.expect("the recording exists");
    let mut stream = daemon.connect(&sandbox);
    stream
        .write_all(&recorded)
        .expect("the recording can be sent");
    let mut answer = Vec::new();
    // The daemon may close the connection while requests are still on their way to it.
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    // One frame with an error and its message, in the format of protocol 3.
    let (length, rest) = answer
        .split_first_chunk::<4>()
        .expect("the answer has a frame");
    assert_eq!(*length, u32::try_from(rest.len()).unwrap().to_le_bytes());
    assert_eq!(rest[..2], [1, 0], "an error, protocol_mismatch");
    let message = String::from_utf8_lossy(rest);
    assert!(message.contains("speaks protocol 3"), "{message}");
    assert!(message.contains("update the client"), "{message}");
}

#[test]
fn a_daemon_of_protocol_3_is_named_by_the_client() {
    let recorded =
        fs::read(fixture("formats/protocol-3/daemon.bin")).expect("the recording exists");
    let refusal = {
        // Refusal of another protocol by a daemon of that version.
        let message = "this daemon (build 0.1.0) speaks protocol 3, the client speaks protocol 4";
        let mut refusal = vec![1, 0, u8::try_from(message.len()).unwrap()];
        refusal.extend(message.bytes());
        refusal.extend([0, 0]);
        let length = u32::try_from(refusal.len()).unwrap().to_le_bytes();
        [&length[..], &refusal].concat()
    };
    // The recording begins with the welcome.
    for answer in [recorded[..12].to_vec(), refusal] {
        let sandbox = Sandbox::default();
        let listener = UnixListener::bind(sandbox.socket()).expect("a socket can be bound");
        // Clients see by it that a daemon runs.
        let lock = fs::File::create(sandbox.path().join("gted.sock.lock")).expect("it can be made");
        lock.lock().expect("nobody else has it");
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("the client connects");
            let mut hello = [0; 10];
            stream
                .read_exact(&mut hello)
                .expect("the client sends a greeting");
            stream.write_all(&answer).expect("an answer can be sent");
        });
        let output = sandbox.run(&["status"]);
        serving.join().expect("the thread does not panic");
        assert_eq!(output.code(), Some(1), "{output:?}");
        assert!(output.stderr.contains("speaks protocol 3"), "{output:?}");
        assert!(output.stderr.contains("hint: `gte restart`"), "{output:?}");
        fs::remove_file(sandbox.socket()).expect("a file can be removed");
    }
}
