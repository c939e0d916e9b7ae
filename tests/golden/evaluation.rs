//! `gted eval` and `gted calibrate` on real pairs, which not every machine has.

use gte_tests::{Output, Sandbox, gted, shared_fixture};
use serde_json::Value;

/// Spearman's correlation on STS-B (dev, 1,458 pairs) without text steps, by PyTorch in float32
/// (`fixtures/reference/stsb.py`).
const STSB_SPEARMAN: f64 = 0.805_227_307;

/// Runs a command of `gted` on pairs; `None` on a machine without them.
fn run(command: &[&str], pairs: &str) -> Option<Value> {
    let path = shared_fixture(&format!("data/{pairs}"))?;
    let sandbox = Sandbox::default();
    let mut gted = sandbox.command(gted());
    gted.args(command).arg("--json").arg(path);
    Some(Output::of(&mut gted).json())
}

#[test]
fn correlation_is_that_of_pytorch() {
    let command = ["eval", "--precision", "f32", "--text-steps"];
    let Some(published) = run(&[&command[..], &["none"]].concat(), "STSB-zh.dev.tsv") else {
        return;
    };
    let spearman = published["spearman"].as_f64().expect("a number");
    assert!((spearman - STSB_SPEARMAN).abs() < 1e-4, "{spearman}");
    // The default steps are those that help.
    let by_default = run(&["eval", "--precision", "f32"], "STSB-zh.dev.tsv").expect("it is there");
    assert_eq!(by_default["text_steps"], serde_json::json!(["lowercase"]));
    let with_steps = by_default["spearman"].as_f64().expect("a number");
    assert!(with_steps > spearman, "{with_steps}");
}

#[test]
fn ratings_are_met_on_halves_that_were_not_fitted() {
    let Some(test) = run(&["calibrate", "--dry-run"], "STSB-zh.dev.tsv") else {
        return;
    };
    let number = |key: &str| test[key].as_f64().expect("a number");
    assert_eq!(test["meaning"], "rating");
    assert!(number("distance") <= 0.145, "{test}");
    assert!(number("high") >= 0.78, "{test}");
    assert!(number("low") >= 0.98, "{test}");
}

#[test]
fn probabilities_are_met_on_halves_that_were_not_fitted() {
    let Some(test) = run(&["calibrate", "--dry-run"], "LCQMC.dev.tsv") else {
        return;
    };
    let number = |key: &str| test[key].as_f64().expect("a number");
    assert_eq!(test["meaning"], "probability");
    assert!(number("calibration_error") <= 0.04, "{test}");
    let best = run(&["eval"], "LCQMC.dev.tsv").expect("it is there");
    let best = best["best_accuracy"].as_f64().expect("a number");
    assert!(number("accuracy") >= best - 0.005, "{test} {best}");
}
