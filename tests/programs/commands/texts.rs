//! Reading of a text: everything that is cut, changed or unknown is reported, by every protocol.

use gte_tests::{Daemon, GOLDEN_A, Sandbox};
use serde_json::{Value, json};

/// Texts that differ in a word with a capital letter.
const PHONE: &str = "我的iPhone坏了";
const BOOK: &str = "我的MacBook坏了";

/// A text of 600 tokens besides [CLS] and [SEP], in sentences of 30.
fn long_text() -> String {
    let sentences = |word: &str| format!("{}。", word.repeat(29)).repeat(10);
    sentences("长") + &sentences("短")
}

fn sim(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    sandbox
        .run(&[&["sim", "--json"], arguments].concat())
        .json()
}

#[test]
fn words_with_capital_letters_are_told_apart() {
    let sandbox = Sandbox::default();
    let scored = sim(&sandbox, &[PHONE, BOOK]);
    assert!(scored["similarity"].as_f64() < Some(95.0), "{scored}");
    assert_eq!(scored["same_tokens"], false);
    assert_eq!(scored["text_steps"], json!(["lowercase"]));
    assert_eq!(scored["a"]["unknown"], 0);
    assert_eq!(scored["a"]["changed_by"], json!(["lowercase"]));
    // A text without capitals is not changed.
    assert_eq!(sim(&sandbox, &["甲", "乙"])["a"]["changed_by"], Value::Null);
}

#[test]
fn texts_that_the_model_cannot_tell_apart_are_named() {
    let sandbox = Sandbox::default();
    let published = ["--text-steps", "none"];
    let scored = sim(&sandbox, &[&[PHONE, BOOK][..], &published].concat());
    assert_eq!(scored["cosine"], 1.0);
    assert_eq!(scored["same_tokens"], true);
    assert_eq!(
        (&scored["a"]["unknown"], &scored["a"]["unknown_at"]),
        (&json!(1), &json!([[2, 8]]))
    );
    let plain = sandbox.run(&[&["sim", PHONE, BOOK][..], &published].concat());
    assert!(
        plain.stderr.contains("text A and B: the texts differ"),
        "{plain:?}"
    );
    let lines = format!("{PHONE}\t{BOOK}\n");
    let batch = sandbox.run_with(&[&["batch"][..], &published].concat(), lines);
    assert!(
        batch.stderr.contains("line 1: the texts differ"),
        "{batch:?}"
    );
    let rank = sandbox.run_with(&[&["rank", PHONE][..], &published].concat(), BOOK);
    assert!(
        rank.stderr
            .contains("line 1 and the query: the texts differ"),
        "{rank:?}"
    );
    // The same text is not another one.
    assert_eq!(
        sim(&sandbox, &[PHONE, PHONE, "--text-steps", "none"])["same_tokens"],
        false
    );
}

#[test]
fn mostly_unknown_texts_are_named() {
    let sandbox = Sandbox::default();
    let output = sandbox.run(&["sim", "😀 😡 好", GOLDEN_A]);
    let words = "text A: the model does not know more than a third of the text (2 unknown tokens)";
    assert!(output.stderr.contains(words), "{output:?}");
    assert!(!output.stderr.contains("text B"), "{output:?}");
}

#[test]
fn a_long_text_is_read_as_asked_and_reported() {
    let sandbox = Sandbox::default();
    let _daemon = Daemon::start(&sandbox, &["--truncation", "tail"]);
    let long = long_text();
    let read = |arguments: &[&str]| sim(&sandbox, &[&[&*long, GOLDEN_A], arguments].concat());
    let by_default = read(&[]);
    assert_eq!(by_default["truncation"], "tail");
    let text = &by_default["a"];
    assert_eq!(
        (&text["tokens"], &text["total_tokens"]),
        (&json!(512), &json!(602))
    );
    assert_eq!(
        (&text["truncated"], &text["cut_at"]),
        (&json!(true), &json!(90))
    );
    let head = read(&["--truncation", "head"]);
    assert_eq!(head["a"]["cut_at"], 510);
    assert_ne!(head["cosine"], by_default["cosine"]);
    let chunk = read(&["--truncation", "chunk"]);
    let text = &chunk["a"];
    assert_eq!(
        (&text["tokens"], &text["windows"]),
        (&json!(602), &json!(2))
    );
    assert_eq!(
        (&text["truncated"], &text["cut_at"]),
        (&json!(false), &Value::Null)
    );
    let refused = sandbox.run(&["sim", GOLDEN_A, &long, "--truncation", "error"]);
    assert_eq!(refused.code(), Some(2), "{refused:?}");
    assert!(
        refused
            .stderr
            .contains("it has 602 tokens; the model reads 512"),
        "{refused:?}"
    );
    assert!(refused.stderr.contains("hint: shorten it"), "{refused:?}");
    let wrong = sandbox.run(&["sim", "a", "b", "--truncation", "middle"]);
    assert_eq!(wrong.code(), Some(2), "{wrong:?}");
}

#[test]
fn json_lines_take_the_options_and_report_the_same() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut connection = daemon.connect_json(&sandbox);
    let request = json!({"a": PHONE, "b": BOOK, "text_steps": [], "score": "raw"});
    let reply = connection.ask(&request.to_string());
    assert_eq!(reply["similarity"], 100.0);
    assert_eq!(
        (&reply["same_tokens"], &reply["text_steps"]),
        (&json!(true), &json!([]))
    );
    assert_eq!(
        (&reply["meaning"], &reply["calibration"]),
        (&json!("cosine"), &json!("uncalibrated"))
    );
    let request = json!({"texts": [long_text()], "truncation": "chunk"});
    let reply = connection.ask(&request.to_string());
    assert_eq!(reply["results"][0]["windows"], 2);
    let wrong = json!({"a": "甲", "b": "乙", "truncation": "middle"});
    assert_eq!(connection.ask(&wrong.to_string())["code"], "bad_request");
}

#[test]
fn scores_say_what_they_mean() {
    let sandbox = Sandbox::default();
    let scored = sim(&sandbox, &["今天天气很好", "今天天气不错"]);
    assert_eq!(
        (&scored["meaning"], &scored["calibration"]),
        (&json!("rating"), &json!("shipped"))
    );
    let raw = sim(
        &sandbox,
        &["今天天气很好", "今天天气不错", "--score", "raw"],
    );
    let cosine = raw["cosine"].as_f64().expect("a number");
    let similarity = raw["similarity"].as_f64().expect("a number");
    assert!((similarity - 100.0 * cosine).abs() < 1e-4, "{raw}");
    // The same text is 100, and what is unrelated is near 0.
    assert_eq!(
        sim(&sandbox, &["怎么退款", "怎么退款"])["similarity"],
        100.0
    );
    let unrelated = sim(&sandbox, &["怎么退款", "北京到上海的高铁几点开"]);
    assert!(unrelated["similarity"].as_f64() < Some(20.0), "{unrelated}");
}

#[test]
fn a_text_has_the_same_vector_by_every_way() {
    let sandbox = Sandbox::default();
    let texts = [
        "怎么退款",
        PHONE,
        &long_text(),
        "好",
        "北京到上海的高铁几点开",
    ];
    let all = texts.join("\n");
    let rows = sandbox.run_with(&["embed", "--json"], &all).json_lines();
    let vectors: Vec<&Value> = rows.iter().map(|row| &row["embedding"]).collect();
    sandbox.run(&["stop"]).success();
    // Another daemon, which remembers nothing, on one thread.
    let daemon = Daemon::start(&sandbox, &["--threads", "1"]);
    let mut connection = daemon.connect_json(&sandbox);
    for (text, vector) in texts.iter().zip(&vectors).rev() {
        let reply = connection.ask(&json!({"texts": [text]}).to_string());
        assert_eq!(&reply["results"][0]["embedding"], *vector, "{text}");
    }
    let printed = sandbox.run_with(&["embed"], &all).success();
    for (line, vector) in printed.lines().zip(vectors) {
        let values = line
            .split('\t')
            .map(|value| value.parse::<f32>().expect("a number"));
        let vector = vector.as_array().expect("values").iter();
        #[expect(clippy::cast_possible_truncation, reason = "written from f32")]
        let vector = vector.map(|value| value.as_f64().expect("a number") as f32);
        assert!(values.eq(vector));
    }
}
