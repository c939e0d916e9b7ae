//! `gte batch`.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use gte_tests::{GOLDEN_A, GOLDEN_B, Sandbox, has_golden_score};

use super::golden::assert_golden_cosine;

#[test]
fn batch_keeps_the_order_of_its_lines() {
    let sandbox = Sandbox::default();
    let lines: Vec<String> = (0..600)
        .map(|n| match n % 3 {
            0 => format!("{GOLDEN_A}\t{GOLDEN_B}"),
            1 => format!("第{n}行\t{GOLDEN_A}"),
            _ => format!("第{n}行\t第{n}行"),
        })
        .collect();
    let output = sandbox.run_with(&["batch"], lines.join("\n")).success();
    let printed: Vec<&str> = output.lines().collect();
    assert_eq!(printed.len(), lines.len());
    for (printed, line) in printed.iter().zip(&lines) {
        assert!(printed.ends_with(line.as_str()), "{printed} for {line}");
    }
    assert!(has_golden_score(printed[0]));
    assert!(printed[2].starts_with("100.00\t1\t高度相似\t第2行"));
}

#[test]
fn batch_reads_a_file_and_prints_json() {
    let sandbox = Sandbox::default();
    let file = sandbox.path().join("pairs.tsv");
    std::fs::write(&file, format!("{GOLDEN_A}\t{GOLDEN_B}\n")).expect("a file can be written");
    let object = sandbox.run(&["batch", "pairs.tsv", "--json"]).json();
    assert_golden_cosine(&object["cosine"]);
    assert!(object.get("interpretation").is_some());
}

#[test]
fn batch_answers_a_pair_before_the_next_is_written() {
    let sandbox = Sandbox::default();
    let mut batch = sandbox.gte(&["batch"]);
    let mut batch = batch
        .stdin(Stdio::piped())
        .spawn()
        .expect("gte can be started");
    let mut pairs = batch.stdin.take().expect("stdin is piped");
    let mut scores = BufReader::new(batch.stdout.take().expect("stdout is piped"));
    for _ in 0..3 {
        writeln!(pairs, "{GOLDEN_A}\t{GOLDEN_B}").expect("a pair can be written");
        let mut score = String::new();
        scores.read_line(&mut score).expect("gte prints its score");
        assert!(has_golden_score(&score), "{score}");
    }
    drop(pairs);
    assert!(batch.wait().expect("gte ends").success());
}

#[test]
fn lines_before_a_wrong_one_are_answered() {
    let sandbox = Sandbox::default();
    let output = sandbox.run_with(&["batch"], format!("{GOLDEN_A}\t{GOLDEN_B}\n{GOLDEN_A}\n"));
    assert_eq!(output.code(), Some(2));
    assert!(has_golden_score(&output.stdout), "{output:?}");
}

#[test]
fn a_reader_that_closes_the_pipe_causes_no_error() {
    let sandbox = Sandbox::default();
    let lines: String = (0..2000)
        .map(|n| format!("第{n}行\t{GOLDEN_A}\n"))
        .collect();
    let file = sandbox.path().join("pairs.tsv");
    std::fs::write(&file, lines).expect("a file can be written");
    let mut gte = sandbox
        .gte(&["batch", "pairs.tsv"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("gte can be started");
    let mut first = String::new();
    // Reads a line and closes the pipe, as `head -n 1` does.
    let mut reader = BufReader::new(gte.stdout.take().expect("stdout is piped"));
    reader.read_line(&mut first).expect("gte prints a line");
    drop(reader);
    let output = gte.wait_with_output().expect("gte ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
