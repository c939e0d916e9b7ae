//! Formats of earlier versions, as they lie in `fixtures/formats`: models that are installed stay
//! usable, and clients and daemons of another protocol are told what to update.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;

use gte_tests::{Daemon, Sandbox, fixture};
use serde_json::Value;

/// Copies a folder and all that is in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("it is there").flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a file can be copied");
        }
    }
}

/// The cosine of two texts with a model.
fn cosine(sandbox: &Sandbox, model: &str) -> f64 {
    let _daemon = Daemon::start(sandbox, &["--model", model, "--precision", "f32"]);
    let scored = sandbox
        .run(&["sim", "今天天气很好", "今天天气不错", "--json"])
        .json();
    sandbox.run(&["stop"]).success();
    scored["cosine"].as_f64().expect("a number")
}

#[test]
fn a_model_installed_with_manifest_1_stays_usable() {
    let sandbox = Sandbox::default();
    let models = sandbox.path().join(".local/share/gte/models");
    copy(&fixture("formats/manifest-1"), &models);
    let rows = sandbox.gted(&["models", "--json"]).json();
    let row = |row: &&Value| row["name"] == "tiny";
    let row = rows.as_array().and_then(|rows| rows.iter().find(row));
    let row = row.expect("it is listed");
    assert_eq!(row["installed"], true);
    assert_eq!(row["source"], "huggingface:owner/tiny");
    let verified = sandbox.gted(&["verify", "tiny"]).success();
    assert!(verified.contains("tiny: 6 files have"), "{verified}");
    // Its pack gives what the files that it was made from give.
    let made_from = fixture("tiny-bert/hf");
    let expected = cosine(&sandbox, made_from.to_str().expect("UTF-8"));
    let ours = cosine(&sandbox, "tiny");
    assert!((ours - expected).abs() < 1e-6, "{ours} for {expected}");
}

#[test]
fn a_client_of_protocol_3_is_told_to_update() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let said = fs::read(fixture("formats/protocol-3/client.bin")).expect("it is there");
    let mut stream = daemon.connect(&sandbox);
    stream.write_all(&said).expect("it can be sent");
    let mut answer = Vec::new();
    // The daemon may close the connection while requests are still on their way to it.
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    // In the form that protocol 3 has for it: one frame with an error and its message.
    let (length, rest) = answer.split_first_chunk::<4>().expect("a frame comes");
    assert_eq!(*length, u32::try_from(rest.len()).unwrap().to_le_bytes());
    assert_eq!(rest[..2], [1, 0], "an error, protocol_mismatch");
    let message = String::from_utf8_lossy(rest);
    assert!(message.contains("speaks protocol 3"), "{message}");
    assert!(message.contains("update the client"), "{message}");
}

#[test]
fn a_daemon_of_protocol_3_is_named_by_the_client() {
    let recorded = fs::read(fixture("formats/protocol-3/daemon.bin")).expect("it is there");
    let refusal = {
        // As the daemon of that version refuses another protocol.
        let message = "this daemon (build 0.1.0) speaks protocol 3, the client speaks protocol 4";
        let mut refusal = vec![1, 0, u8::try_from(message.len()).unwrap()];
        refusal.extend(message.bytes());
        refusal.extend([0, 0]);
        let length = u32::try_from(refusal.len()).unwrap().to_le_bytes();
        [&length[..], &refusal].concat()
    };
    // Its welcome comes first in the recording.
    for answer in [recorded[..12].to_vec(), refusal] {
        let sandbox = Sandbox::default();
        let listener = UnixListener::bind(sandbox.socket()).expect("a socket can be made");
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("the client connects");
            let mut hello = [0; 10];
            stream.read_exact(&mut hello).expect("a greeting comes");
            stream.write_all(&answer).expect("an answer can be sent");
        });
        let output = sandbox.run(&["status"]);
        serving.join().expect("it does not panic");
        assert_eq!(output.code(), Some(1), "{output:?}");
        assert!(output.stderr.contains("speaks protocol 3"), "{output:?}");
        assert!(
            output.stderr.contains("hint: stop the old daemon"),
            "{output:?}"
        );
        fs::remove_file(sandbox.socket()).expect("it can be removed");
    }
}
