//! `gte sim`, and `gte` without a terminal.

use gte_tests::{GOLDEN_A, GOLDEN_B, Sandbox, has_golden_score};

use super::golden::assert_golden_cosine;

#[test]
fn sim_prints_a_json_object_of_twelve_keys() {
    let sandbox = Sandbox::default();
    let object = sandbox.run(&["sim", GOLDEN_A, GOLDEN_B, "--json"]).json();
    assert_golden_cosine(&object["cosine"]);
    assert!(has_golden_score(&object["similarity"].to_string()));
    assert_eq!(object["interpretation"], "高度相似");
    assert_eq!(object["model"], "bge-small-zh-v1.5");
    for text in ["a", "b"] {
        assert_eq!(object[text]["tokens"], 8);
        assert_eq!(object[text]["truncated"], false);
    }
    assert!(object["micros"].as_u64().expect("micros is a number") > 0);
    let keys: Vec<&String> = object.as_object().expect("an object").keys().collect();
    assert_eq!(keys.len(), 12, "{keys:?}");
}

#[test]
fn sim_prints_an_english_verdict_on_request() {
    let sandbox = Sandbox::default();
    let object = sandbox
        .run(&["sim", GOLDEN_A, GOLDEN_B, "--json", "--lang", "en"])
        .json();
    assert_eq!(object["interpretation"], "very similar");
}

#[test]
fn sim_prints_columns_separated_by_tabs() {
    let sandbox = Sandbox::default();
    let plain = sandbox.run(&["sim", GOLDEN_A, GOLDEN_B]).success();
    let columns: Vec<&str> = plain.trim_end().split('\t').collect();
    assert!(has_golden_score(columns[0]), "{plain}");
    assert_eq!(columns[2], "高度相似");
}

#[test]
fn equal_texts_have_a_cosine_of_exactly_one() {
    let sandbox = Sandbox::default();
    let object = sandbox.run(&["sim", GOLDEN_A, GOLDEN_A, "--json"]).json();
    assert_eq!(object["cosine"], 1.0);
    assert_eq!(object["similarity"], 100.0);
}

#[test]
fn without_a_terminal_gte_scores_an_example() {
    let sandbox = Sandbox::default();
    let output = sandbox.run(&[]);
    assert!(output.stderr.contains("no terminal"), "{output:?}");
    assert!(has_golden_score(&output.success()));
}

#[test]
fn texts_that_begin_with_a_dash_are_texts() {
    let sandbox = Sandbox::default();
    let row = sandbox
        .run(&["sim", "-5℃能启动吗", "--json", "零下5℃能启动吗"])
        .json();
    // [CLS] - 5 ℃ 能 启 动 吗 [SEP]: 5℃ is one token.
    assert_eq!(row["a"]["tokens"], 8);
    let same = sandbox.run(&["sim", "--", "--help", "-h"]).success();
    assert!(same.contains('\t'), "{same}");
    let hits = sandbox
        .run_with(&["rank", "--怎么退款"], "退款流程\n")
        .success();
    assert!(hits.contains("退款流程"), "{hits}");
}

#[test]
fn an_argument_in_another_encoding_is_named() {
    use std::os::unix::ffi::OsStrExt;
    let sandbox = Sandbox::default();
    let mut gte = sandbox.gte(&["sim", "甲"]);
    gte.arg(std::ffi::OsStr::from_bytes(b"\xc4\xe3\xba\xc3"));
    let output = gte_tests::Output::of(&mut gte);
    assert_eq!(output.code(), Some(2));
    assert!(
        output
            .stderr
            .starts_with("gte: argument 3: it is not UTF-8\nhint: "),
        "{output:?}"
    );
}
