//! Formats of earlier versions, as they lie in `fixtures/formats`: models that are installed stay
//! usable, and clients and daemons of another protocol are told what to update.

use std::fs;
use std::io::Read;
use std::io::Write;
use std::path::Path;

use gte_tests::{Daemon, Place, fixture};
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
fn cosine(place: &Place, model: &str) -> f64 {
    let _daemon = Daemon::start(place, &["--model", model, "--precision", "f32"]);
    let scored = place
        .run(&["sim", "今天天气很好", "今天天气不错", "--json"])
        .json();
    place.run(&["stop"]).success();
    scored["cosine"].as_f64().expect("a number")
}

#[test]
fn a_model_installed_with_manifest_1_stays_usable() {
    let place = Place::default();
    let models = place.path().join(".local/share/gte/models");
    copy(&fixture("formats/manifest-1"), &models);
    let rows = place.gted(&["models", "--json"]).json();
    let row = |row: &&Value| row["name"] == "tiny";
    let row = rows.as_array().and_then(|rows| rows.iter().find(row));
    let row = row.expect("it is listed");
    assert_eq!(row["installed"], true);
    assert_eq!(row["source"], "huggingface:owner/tiny");
    let verified = place.gted(&["verify", "tiny"]).success();
    assert!(verified.contains("tiny: 6 files have"), "{verified}");
    // Its pack gives what the files that it was made from give.
    let made_from = fixture("tiny-bert/hf");
    let expected = cosine(&place, made_from.to_str().expect("UTF-8"));
    let ours = cosine(&place, "tiny");
    assert!((ours - expected).abs() < 1e-6, "{ours} for {expected}");
}

#[test]
fn a_client_of_protocol_3_is_answered() {
    let place = Place::default();
    let model = fixture("tiny-bert/hf");
    let daemon = Daemon::start(&place, &["--model", model.to_str().expect("UTF-8")]);
    let said = fs::read(fixture("formats/protocol-3/client.bin")).expect("it is there");
    let mut stream = daemon.connect(&place);
    stream.write_all(&said).expect("it can be sent");
    let end = stream.shutdown(std::net::Shutdown::Write);
    end.expect("one side can be closed");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer comes");
    let recorded = fs::read(fixture("formats/protocol-3/daemon.bin")).expect("it is there");
    // The greeting, and as many replies; what is in them differs by times and process.
    assert_eq!(answer[..12], recorded[..12]);
    assert_eq!(frames(&answer), frames(&recorded));
}

/// Number of frames in a stream, which must end with the last.
fn frames(mut stream: &[u8]) -> usize {
    let mut count = 0;
    while let Some((length, rest)) = stream.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_le_bytes(*length)).expect("a small number");
        stream = &rest[length..];
        count += 1;
    }
    count
}
