//! `gte embed`.

use gte_tests::{GOLDEN_A, GOLDEN_B, GOLDEN_COSINE, INT8_TOLERANCE, Sandbox};

#[test]
fn embed_prints_vectors_of_unit_length() {
    let sandbox = Sandbox::default();
    let output = sandbox
        .run_with(&["embed"], format!("{GOLDEN_A}\n{GOLDEN_B}\n"))
        .success();
    let vectors: Vec<Vec<f64>> = output
        .lines()
        .map(|line| {
            line.split('\t')
                .map(|value| value.parse().expect("a number"))
                .collect()
        })
        .collect();
    assert_eq!(vectors.iter().map(Vec::len).collect::<Vec<_>>(), [512, 512]);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    assert!((dot(&vectors[0], &vectors[0]) - 1.0).abs() < 1e-6);
    assert!((dot(&vectors[0], &vectors[1]) - GOLDEN_COSINE).abs() < INT8_TOLERANCE);
}

#[test]
fn embed_prints_dimension_and_pooling_as_json() {
    let sandbox = Sandbox::default();
    let object = sandbox.run_with(&["embed", "-", "--json"], GOLDEN_A).json();
    assert_eq!(object["embedding"].as_array().map(Vec::len), Some(512));
    assert_eq!([&object["dimension"], &object["tokens"]], [512, 8]);
    assert_eq!(object["pooling"], "cls");
}

#[test]
fn embed_splits_long_lines_over_several_requests() {
    let sandbox = Sandbox::default();
    // 30 MB in 150 lines, with 16 MiB per request at most.
    let line = "长".repeat(66_000) + "\n";
    let output = sandbox
        .run_with(&["embed", "--json"], line.repeat(150))
        .success();
    assert_eq!(output.lines().count(), 150);
    assert!(
        output
            .lines()
            .all(|line| line.contains("\"truncated\":true"))
    );
}

#[test]
fn embed_refuses_a_line_over_the_limit_of_a_text() {
    let sandbox = Sandbox::default();
    let lines = format!("{GOLDEN_A}\n{}\n", "长".repeat(100_000));
    let output = sandbox.run_with(&["embed"], lines);
    assert_eq!(output.code(), Some(2));
    assert!(
        output.stderr.contains("line 2: a text has 300000 bytes"),
        "{output:?}"
    );
}
