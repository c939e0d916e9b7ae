//! Texts with more tokens than the model reads: marked in JSON, named on stderr.

use gte_tests::{GOLDEN_A, Output, Sandbox};

/// Text of more tokens than the model reads.
fn long_text() -> String {
    "长".repeat(600)
}

/// Asserts that stderr names the truncated text.
fn assert_warns(output: &Output, text: &str) {
    let warning =
        format!("{text}: the text was cut at character 510, 512 of its 602 tokens were read");
    assert!(output.stderr.contains(&warning), "{output:?}");
}

#[test]
fn sim_marks_a_truncated_text() {
    let sandbox = Sandbox::default();
    let long = long_text();
    let object = sandbox.run(&["sim", &long, GOLDEN_A, "--json"]).json();
    assert_eq!(
        [&object["a"]["truncated"], &object["b"]["truncated"]],
        [true, false]
    );
    assert_eq!(object["a"]["tokens"], 512);
    assert_warns(&sandbox.run(&["sim", &long, GOLDEN_A]), "text A");
}

#[test]
fn rank_marks_a_truncated_query_or_line() {
    let sandbox = Sandbox::default();
    let long = long_text();
    let ranked = sandbox.run_with(&["rank", &long, "--json"], GOLDEN_A);
    let ranked = ranked.json();
    assert_eq!(ranked["query"]["truncated"], true);
    assert_eq!(ranked["truncated"], false);
    let query = sandbox.run_with(&["rank", &long], GOLDEN_A);
    assert_warns(&query, "the query");
    let line = sandbox.run_with(&["rank", GOLDEN_A], &long);
    assert_warns(&line, "line 1");
}

#[test]
fn batch_names_the_line_of_a_truncated_text() {
    let sandbox = Sandbox::default();
    let lines = format!("{GOLDEN_A}\t{}", long_text());
    assert_warns(&sandbox.run_with(&["batch"], lines), "line 1, text B");
}

#[test]
fn embed_names_the_line_of_a_truncated_text() {
    let sandbox = Sandbox::default();
    let lines = format!("{GOLDEN_A}\n{}", long_text());
    assert_warns(&sandbox.run_with(&["embed"], lines), "line 2");
}
