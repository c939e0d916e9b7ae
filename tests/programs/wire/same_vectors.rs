//! The same text has the same vector, bit for bit, in any batch, with any number of threads and
//! through any protocol.

use std::cell::RefCell;

use gte_shared::wire::{Embed, Reply, TextOptions};
use gte_tests::{Daemon, Sandbox};
use proptest::collection::vec;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::frames::{connect, reply, send_request};

/// Lists of texts that are tried. Each is computed four times.
const CASES: u32 = 24;

/// Texts of one token to more than a hundred.
const TEXT: &str = "文[一-龥a-zA-Z0-9，。！ ]{0,160}";

fn bits(vector: &Value) -> Vec<u32> {
    let values = vector.as_array().expect("a vector is a list").iter();
    #[expect(clippy::cast_possible_truncation, reason = "written as f32")]
    let bits = |value: &Value| (value.as_f64().expect("a number") as f32).to_bits();
    values.map(bits).collect()
}

#[test]
fn a_text_has_one_vector_whatever_the_way() {
    let sandboxes: [Sandbox; 3] = Default::default();
    let [one, two, three] = ["1", "2", "3"];
    let daemons = [
        (&sandboxes[0], one),
        (&sandboxes[1], two),
        (&sandboxes[2], three),
    ]
    .map(|(sandbox, threads)| Daemon::start(sandbox, &["--threads", threads]));
    // The runner lends what it runs.
    let binary = RefCell::new(connect(&daemons[0], &sandboxes[0]));
    let lines = RefCell::new(daemons[1].connect_json(&sandboxes[1]));
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let checked = TestRunner::new(config).run(&vec(TEXT, 1..20), |texts| {
        let (binary, lines) = (&mut *binary.borrow_mut(), &mut *lines.borrow_mut());
        // Each alone, in frames, with one thread.
        let alone: Vec<Vec<u32>> = texts
            .iter()
            .map(|text| {
                let texts = vec![text.clone()];
                let options = TextOptions::default();
                send_request(binary, 1, Embed { texts, options });
                match reply(binary) {
                    (1, Ok(Reply::Embeddings(computed))) => {
                        let vector = &computed.result[0].vector;
                        vector.iter().map(|value| value.to_bits()).collect()
                    }
                    other => panic!("a reply of an unexpected kind: {other:?}"),
                }
            })
            .collect();
        // All at once, in a line, with two threads.
        let reply = lines.ask(&json!({ "texts": texts }).to_string());
        let results = reply["results"].as_array().expect("results");
        let together: Vec<_> = results.iter().map(|row| bits(&row["embedding"])).collect();
        assert_eq!(together, alone);
        // Backwards, by the command, with three threads.
        let backwards: Vec<&str> = texts.iter().rev().map(String::as_str).collect();
        let output = sandboxes[2].run_with(&["embed", "--json"], backwards.join("\n"));
        let mut printed: Vec<_> = output
            .json_lines()
            .iter()
            .map(|row| bits(&row["embedding"]))
            .collect();
        printed.reverse();
        assert_eq!(printed, alone);
        Ok(())
    });
    checked.unwrap();
}
