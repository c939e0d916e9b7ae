//! Explanations: the words of a pair, and what the score gains by each.

use gte_tests::{Daemon, GOLDEN_A, Sandbox};
use serde_json::{Value, json};

/// Two sentences without spaces and capital letters, so that leaving a word out of the tokens is
/// leaving it out of the text.
const A: &str = "手机屏幕碎了，怎么申请退款？";
const B: &str = "屏幕坏了能退款吗";

fn explain(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let sim = ["sim", "--json", "--explain"];
    sandbox.run(&[&sim, arguments].concat()).json()
}

fn words(explained: &Value, text: &str) -> Vec<Value> {
    let words = explained["explanation"][text].as_array();
    words.expect("the words are a list").clone()
}

/// Part of a text between two offsets in characters.
fn part(text: &str, word: &Value) -> String {
    let offset = |name: &str| usize::try_from(word[name].as_u64().unwrap()).unwrap();
    let (from, to) = (offset("from"), offset("to"));
    text.chars().skip(from).take(to - from).collect()
}

#[test]
fn a_word_left_out_is_a_text_without_it() {
    let sandbox = Sandbox::default();
    let explained = explain(&sandbox, &[A, B]);
    let score = |a: &str, b: &str| sandbox.run(&["sim", "--json", a, b]).json();
    for key in ["similarity", "cosine", "interpretation", "a", "b"] {
        assert_eq!(explained[key], score(A, B)[key], "{key}");
    }
    let (a, b) = (words(&explained, "a"), words(&explained, "b"));
    let found: Vec<&Value> = a.iter().map(|word| &word["word"]).collect();
    assert_eq!(found, ["手机", "屏幕", "碎", "了", "怎么", "申请", "退款"]);
    for (text, words) in [(A, &a), (B, &b)] {
        for word in words {
            let name = word["word"].as_str().unwrap();
            assert_eq!(part(text, word), name);
            let rest = text.replacen(name, "", 1);
            let without = if text == A {
                score(&rest, B)
            } else {
                score(A, &rest)
            };
            // Bit for bit, through another batch and another request.
            assert_eq!(word["without"]["cosine"], without["cosine"], "{name}");
            assert_eq!(
                word["without"]["similarity"], without["similarity"],
                "{name}"
            );
            let effect =
                explained["similarity"].as_f64().unwrap() - without["similarity"].as_f64().unwrap();
            assert_eq!(word["effect"].as_f64(), Some(effect), "{name}");
        }
    }
    let of = |word: &str| a.iter().find(|row| row["word"] == word).unwrap();
    for word in ["屏幕", "退款"] {
        let closest = &of(word)["closest"];
        let index = usize::try_from(closest["index"].as_u64().unwrap()).unwrap();
        assert_eq!(b[index]["word"], word);
        assert!(closest["cosine"].as_f64() > Some(0.7), "{closest}");
    }
    assert!(of("退款")["effect"].as_f64() > of("怎么")["effect"].as_f64());
}

#[test]
fn words_are_told_as_they_were_sent() {
    let sandbox = Sandbox::default();
    let sent = "ＡＢＣ坏了 MacBook也是";
    let steps = ["--text-steps", "nfkc,lowercase"];
    let explained = explain(&sandbox, &[&[sent, "苹果"][..], &steps].concat());
    let words = words(&explained, "a");
    let found: Vec<&Value> = words.iter().map(|word| &word["word"]).collect();
    assert_eq!(found, ["ＡＢＣ", "坏", "了", "MacBook", "也", "是"]);
    for word in &words {
        assert_eq!(part(sent, word), word["word"].as_str().unwrap());
    }
    // One character that has become several tokens, and words behind it.
    let explained = explain(&sandbox, &["한국어翻译不准", "✅翻译错误"]);
    for (text, sent, expected) in [
        ("a", "한국어翻译不准", &["한국어", "翻译", "不准"][..]),
        ("b", "✅翻译错误", &["✅", "翻译", "错误"]),
    ] {
        let words = self::words(&explained, text);
        let found: Vec<&Value> = words.iter().map(|word| &word["word"]).collect();
        assert_eq!(found, expected);
        assert!(
            words
                .iter()
                .all(|word| part(sent, word) == word["word"].as_str().unwrap())
        );
    }
    let explained = explain(&sandbox, &[sent, "苹果"]);
    // The only word of a text cannot be left out of it.
    let only = &explained["explanation"]["b"][0];
    assert_eq!(
        (&only["word"], &only["without"]),
        (&json!("苹果"), &Value::Null)
    );
    assert!(only["closest"]["index"].is_u64());
}

#[test]
fn a_long_text_has_parts_of_several_words() {
    let sandbox = Sandbox::default();
    let long = "合同签订后三十日内付款。".repeat(60);
    let explained = explain(&sandbox, &[&long, "付款", "--truncation", "tail"]);
    assert_eq!(explained["a"]["truncated"], true);
    let parts = words(&explained, "a");
    assert!((33..=64).contains(&parts.len()), "{}", parts.len());
    let cut_at = explained["a"]["cut_at"].as_u64().unwrap();
    assert!(parts[0]["from"].as_u64() >= Some(cut_at), "{}", parts[0]);
    assert_eq!(
        parts.last().unwrap()["to"],
        60 * 12 - 1,
        "all but the full stop"
    );
    assert_eq!(part(&long, &parts[9]), parts[9]["word"].as_str().unwrap());
    let refused = sandbox.run(&["sim", "--explain", &long, "付款", "--truncation", "chunk"]);
    assert_eq!(refused.code(), Some(2), "{refused:?}");
    assert!(
        refused.stderr.contains("it is read in 2 chunks"),
        "{refused:?}"
    );
    assert!(refused.stderr.contains("hint: shorten it"), "{refused:?}");
}

#[test]
fn texts_without_words_are_scored_and_blank_ones_refused() {
    let sandbox = Sandbox::default();
    let explained = explain(&sandbox, &["？！", GOLDEN_A]);
    assert_eq!(explained["explanation"]["a"], json!([]));
    let word = &explained["explanation"]["b"][0];
    assert_eq!(word["closest"], Value::Null);
    assert!(word["without"]["cosine"].is_f64(), "{word}");
    let blank = sandbox.run(&["sim", "--explain", GOLDEN_A, " \u{200b}"]);
    assert_eq!(blank.code(), Some(2), "{blank:?}");
    assert!(blank.stderr.contains("text B"), "{blank:?}");
}

#[test]
fn plain_output_has_a_line_for_each_word() {
    let sandbox = Sandbox::default();
    let plain = sandbox
        .run(&["sim", "--explain", "退款流程", "怎么退款"])
        .stdout;
    let lines: Vec<Vec<&str>> = plain
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    assert_eq!(lines[0].len(), 3, "{plain}");
    let columns: Vec<_> = lines[1..].iter().map(|line| (line[0], line[1])).collect();
    let expected = [("A", "退款"), ("A", "流程"), ("B", "怎么"), ("B", "退款")];
    assert_eq!(columns, expected);
    assert!(lines[1][2].starts_with('+'), "{plain}");
    assert_eq!(lines[1][3], "退款");
    assert!(lines[1][4].parse::<f64>().unwrap() > 0.5, "{plain}");
}

#[test]
fn a_json_line_asks_for_an_explanation() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut connection = daemon.connect_json(&sandbox);
    let reply = connection.ask(&json!({"a": A, "b": B, "explain": true, "id": 7}).to_string());
    assert_eq!(reply["id"], 7);
    let explained = explain(&sandbox, &[A, B]);
    assert_eq!(reply["explanation"], explained["explanation"]);
    let plain = connection.ask(&json!({"a": A, "b": B, "explain": false}).to_string());
    assert_eq!(plain["explanation"], Value::Null);
    assert_eq!(plain["similarity"], reply["similarity"]);
}
