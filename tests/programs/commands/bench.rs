//! `gted bench`, which times a model, and `gte bench`, which times the daemon.

use gte_tests::{Sandbox, fixture};
use serde_json::Value;

use crate::models::utf8;

/// Asserts that a row has the machine's limits and the share of them that was reached.
fn assert_machine(row: &Value) {
    for key in ["f32_gops", "int8_gops", "memory_gb_per_s", "share"] {
        let number = row[key].as_f64().expect("a number");
        assert!(number > 0.0, "{row}");
    }
}

#[test]
fn gted_bench_times_batches_of_fixed_sizes() {
    let sandbox = Sandbox::default();
    let folder = fixture("tiny-bert/hf");
    let rows = sandbox
        .gted(&["bench", "--model", utf8(&folder), "--json"])
        .json_lines();
    assert_eq!(rows.len(), 1 + 6);
    assert_machine(&rows[0]);
    for row in &rows[1..] {
        let number = |key: &str| row[key].as_f64().expect("a number");
        assert!(number("batch") >= 1.0 && number("tokens") >= 16.0, "{row}");
        assert!(
            0.0 < number("min_ms") && number("min_ms") <= number("median_ms"),
            "{row}"
        );
    }
}

#[test]
fn gted_bench_times_the_way_to_the_first_answer() {
    let sandbox = Sandbox::default();
    let phases = sandbox.gted(&["bench", "--cold", "--json"]).json_lines();
    let names: Vec<&str> = phases
        .iter()
        .filter_map(|row| row["phase"].as_str())
        .collect();
    let expected = [
        "process start",
        "tokenizer",
        "map",
        "pack",
        "warm-up",
        "first answer",
    ];
    assert_eq!(names[..6], expected);
    assert_eq!(names[6..], ["total"]);
    for key in ["wall_ms", "cpu_ms"] {
        let times: Vec<f64> = phases.iter().filter_map(|row| row[key].as_f64()).collect();
        assert!(times.iter().all(|time| *time > 0.0), "{phases:?}");
        let sum: f64 = times[..6].iter().sum();
        assert!((sum - times[6]).abs() < 1e-6, "{phases:?}");
    }
    let table = sandbox.gted(&["bench", "--cold"]);
    assert!(
        table.stdout.starts_with("phase\twall ms\tCPU ms\n"),
        "{}",
        table.stdout
    );
    let refused = sandbox.gted(&["bench", "--cold", "--lines", "x"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
}

#[test]
fn gted_bench_times_the_lines_of_a_file() {
    let sandbox = Sandbox::default();
    let folder = fixture("tiny-bert/hf");
    let lines = sandbox.path().join("lines.txt");
    std::fs::write(&lines, "a b c\nb c d\n".repeat(700)).expect("a file can be written");
    let rows = sandbox
        .gted(&[
            "bench",
            "--model",
            utf8(&folder),
            "--lines",
            utf8(&lines),
            "--json",
        ])
        .json_lines();
    let [machine, timed] = &rows[..] else {
        panic!("two rows were expected: {rows:?}");
    };
    assert_machine(machine);
    assert_eq!(timed["texts"], 1400);
    assert_eq!(timed["tokens"], 1400 * 5);
    assert!(timed["texts_per_s"].as_f64().is_some_and(|rate| rate > 0.0));
}

#[test]
fn gte_bench_times_the_daemon_under_load() {
    let sandbox = Sandbox::default();
    let rows = sandbox
        .run(&["bench", "--clients", "3", "--seconds", "1", "--json"])
        .json_lines();
    let texts: Vec<&Value> = rows.iter().map(|row| &row["texts"]).collect();
    assert_eq!(texts, ["cached", "uncached"]);
    for row in &rows {
        let number = |key: &str| row[key].as_f64().expect("a number");
        assert!(number("requests") >= 3.0, "{row}");
        assert!(
            number("p50_us") <= number("p99_us") && number("p99_us") <= number("max_us"),
            "{row}"
        );
    }
    let status = sandbox.run(&["status", "--json"]).json();
    let requests: f64 = rows.iter().filter_map(|row| row["requests"].as_f64()).sum();
    // Each connection sends one request before its time begins, and the status is a request as
    // well.
    let counted = status["requests"].as_f64().expect("a number");
    assert!(counted >= requests + 6.0, "{counted} of {requests}");
}

#[test]
fn gte_bench_refuses_zero_clients() {
    let sandbox = Sandbox::default();
    let output = sandbox.run(&["bench", "--clients", "0"]);
    assert_eq!(output.code(), Some(2));
}
