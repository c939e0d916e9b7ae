//! `gte rank`.

use gte_tests::Sandbox;

#[test]
fn rank_prints_the_nearest_line_first() {
    let sandbox = Sandbox::default();
    let lines = "今天下雨\n退款流程\n怎么申请退款\n";
    let output = sandbox.run_with(&["rank", "如何退钱"], lines).success();
    let numbers: Vec<&str> = output
        .lines()
        .map(|line| line.split('\t').nth(3).unwrap())
        .collect();
    assert_eq!(numbers, ["3", "2", "1"]);
}

#[test]
fn rank_sorts_lines_of_several_requests_together() {
    let sandbox = Sandbox::default();
    // More lines than one request has.
    let lines: String = (0..700).map(|n| format!("第{n}行的内容\n")).collect();
    let objects = sandbox
        .run_with(&["rank", "第433行的内容", "--json"], lines)
        .json_lines();
    assert_eq!(objects.len(), 700);
    assert_eq!(objects[0]["line"], 434);
    assert_eq!(objects[0]["cosine"], 1.0);
    let cosines: Vec<f64> = objects
        .iter()
        .map(|object| object["cosine"].as_f64().unwrap())
        .collect();
    assert!(cosines.is_sorted_by(|a, b| a >= b));
}
