//! The commands for scripts: what they print, where, and how they end.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use gte_tests::{GOLDEN_COSINE, INT8_TOLERANCE, Sandbox, fixture, has_golden_score};
use serde_json::Value;

const GOOD: &str = "今天天气很好";
const FINE: &str = "今天天气不错";

fn assert_golden(cosine: &Value) {
    let cosine = cosine.as_f64().expect("the cosine is a number");
    assert!((cosine - GOLDEN_COSINE).abs() < INT8_TOLERANCE, "{cosine}");
}

/// A text of more tokens than the model reads.
fn too_long() -> String {
    "长".repeat(600)
}

#[test]
fn sim_prints_the_object_that_scripts_know() {
    let sandbox = Sandbox::default();
    let object = sandbox.run(&["sim", GOOD, FINE, "--json"]).json();
    assert_golden(&object["cosine"]);
    assert!(has_golden_score(&object["similarity"].to_string()));
    assert_eq!(object["interpretation"], "高度相似");
    assert_eq!(object["model"], "bge-small-zh-v1.5");
    for text in ["a", "b"] {
        assert_eq!(object[text]["tokens"], 8);
        assert_eq!(object[text]["truncated"], false);
    }
    assert!(object["micros"].as_u64().expect("micros is a number") > 0);
    let keys: Vec<&String> = object.as_object().expect("an object").keys().collect();
    assert_eq!(keys.len(), 7, "and nothing else: {keys:?}");

    let english = sandbox
        .run(&["sim", GOOD, FINE, "--json", "--lang", "en"])
        .json();
    assert_eq!(english["interpretation"], "very similar");

    let plain = sandbox.run(&["sim", GOOD, FINE]).success();
    let columns: Vec<&str> = plain.trim_end().split('\t').collect();
    assert!(has_golden_score(columns[0]), "{plain}");
    assert_eq!(columns[2], "高度相似");
}

#[test]
fn the_same_text_twice_is_exactly_one() {
    let sandbox = Sandbox::default();
    let object = sandbox.run(&["sim", GOOD, GOOD, "--json"]).json();
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
fn batch_keeps_the_order_of_its_lines() {
    let sandbox = Sandbox::default();
    let lines: Vec<String> = (0..600)
        .map(|n| match n % 3 {
            0 => format!("{GOOD}\t{FINE}"),
            1 => format!("第{n}行\t{GOOD}"),
            _ => format!("第{n}行\t第{n}行"),
        })
        .collect();
    let output = sandbox.run_with(&["batch"], lines.join("\n")).success();
    let printed: Vec<&str> = output.lines().collect();
    assert_eq!(printed.len(), lines.len());
    for (printed, line) in printed.iter().zip(&lines) {
        assert!(
            printed.ends_with(line.as_str()),
            "{printed} where {line} was given"
        );
    }
    assert!(has_golden_score(printed[0]));
    assert!(printed[2].starts_with("100.00\t1\t高度相似\t第2行"));

    let file = sandbox.path().join("pairs.tsv");
    std::fs::write(&file, format!("{GOOD}\t{FINE}\n")).expect("a file can be written");
    let object = sandbox.run(&["batch", "pairs.tsv", "--json"]).json();
    assert_golden(&object["cosine"]);
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
        writeln!(pairs, "{GOOD}\t{FINE}").expect("a pair can be written");
        let mut score = String::new();
        scores.read_line(&mut score).expect("its score comes");
        assert!(has_golden_score(&score), "{score}");
    }
    drop(pairs);
    assert!(batch.wait().expect("it ends").success());
}

#[test]
fn long_lines_go_in_as_many_requests_as_they_need() {
    let sandbox = Sandbox::default();
    // 30 MB in 150 lines, where a request holds 16 MiB.
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

    let output = sandbox.run_with(&["embed"], format!("{GOOD}\n{}\n", "长".repeat(100_000)));
    assert_eq!(output.code(), Some(2));
    assert!(
        output.stderr.contains("line 2: a text has 300000 bytes"),
        "{output:?}"
    );
}

#[test]
fn rank_puts_the_nearest_first_and_names_the_lines() {
    let sandbox = Sandbox::default();
    let lines = "今天下雨\n退款流程\n怎么申请退款\n";
    let output = sandbox.run_with(&["rank", "如何退钱"], lines).success();
    let numbers: Vec<&str> = output
        .lines()
        .map(|line| line.split('\t').nth(3).unwrap())
        .collect();
    assert_eq!(numbers, ["3", "2", "1"]);

    // More lines than go into one request: one ranking all the same.
    let many: String = (0..700).map(|n| format!("第{n}行的内容\n")).collect();
    let output = sandbox
        .run_with(&["rank", "第433行的内容", "--json"], many)
        .success();
    let objects: Vec<Value> = output
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(objects.len(), 700);
    assert_eq!(objects[0]["line"], 434);
    assert_eq!(objects[0]["cosine"], 1.0);
    let cosines: Vec<f64> = objects
        .iter()
        .map(|o| o["cosine"].as_f64().unwrap())
        .collect();
    assert!(cosines.is_sorted_by(|a, b| a >= b));
}

#[test]
fn embed_prints_vectors_of_unit_length() {
    let sandbox = Sandbox::default();
    let output = sandbox
        .run_with(&["embed"], format!("{GOOD}\n{FINE}\n"))
        .success();
    let vectors: Vec<Vec<f64>> = output
        .lines()
        .map(|line| {
            line.split('\t')
                .map(|n| n.parse().expect("a number"))
                .collect()
        })
        .collect();
    assert_eq!(vectors.iter().map(Vec::len).collect::<Vec<_>>(), [512, 512]);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    assert!((dot(&vectors[0], &vectors[0]) - 1.0).abs() < 1e-6);
    assert!((dot(&vectors[0], &vectors[1]) - GOLDEN_COSINE).abs() < INT8_TOLERANCE);

    let object = sandbox.run_with(&["embed", "-", "--json"], GOOD).json();
    assert_eq!(object["embedding"].as_array().map(Vec::len), Some(512));
    assert_eq!([&object["dimension"], &object["tokens"]], [512, 8]);
    assert_eq!(object["pooling"], "cls");
}

#[test]
fn a_text_that_is_cut_is_never_cut_silently() {
    let sandbox = Sandbox::default();
    let long = too_long();
    let object = sandbox.run(&["sim", &long, GOOD, "--json"]).json();
    assert_eq!(
        [&object["a"]["truncated"], &object["b"]["truncated"]],
        [true, false]
    );
    assert_eq!(object["a"]["tokens"], 512);

    let ranked = sandbox.run_with(&["rank", &long, "--json"], GOOD).json();
    assert_eq!(ranked["query"]["truncated"], true);
    assert_eq!(ranked["truncated"], false);

    let plain = [
        (sandbox.run(&["sim", &long, GOOD]), "text A"),
        (
            sandbox.run_with(&["batch"], format!("{GOOD}\t{long}")),
            "line 1, text B",
        ),
        (sandbox.run_with(&["rank", &long], GOOD), "the query"),
        (sandbox.run_with(&["rank", GOOD], &long), "line 1"),
        (
            sandbox.run_with(&["embed"], format!("{GOOD}\n{long}")),
            "line 2",
        ),
    ];
    for (output, text) in plain {
        let warning = format!("{text}: the text was cut, only its first 512 tokens were read");
        assert!(output.stderr.contains(&warning), "{output:?}");
    }
}

#[test]
fn wrong_input_is_named_and_ends_with_2() {
    let sandbox = Sandbox::default();
    // White space, and characters of which the tokenizer leaves nothing.
    for blank in ["", " \t ", "\u{3000}", "\u{200b}\u{feff}", "\u{7}"] {
        let output = sandbox.run(&["sim", GOOD, blank]);
        assert_eq!(output.code(), Some(2), "{output:?}");
        assert!(
            output.stderr.contains("text B: the text is blank"),
            "{output:?}"
        );
        assert_eq!(output.stdout, "");
    }
    let wrong = [
        (
            sandbox.run_with(&["batch"], format!("{GOOD}\t{FINE}\n\n")),
            "line 2: the text is blank",
        ),
        (
            sandbox.run_with(&["batch"], format!("{GOOD}\n")),
            "line 1: 1 columns",
        ),
        (
            sandbox.run_with(&["batch"], format!("{GOOD}\t \n")),
            "line 1: text B is blank",
        ),
        (
            sandbox.run_with(&["batch"], "甲\t乙\n丙\t\u{200b}\n"),
            "line 2, text B: the text is blank",
        ),
        (
            sandbox.run_with(&["rank", GOOD], "甲\n \n"),
            "line 2: the text is blank",
        ),
        (
            sandbox.run_with(&["rank", GOOD], "甲\n\u{200b}\n"),
            "line 2: the text is blank",
        ),
        (
            sandbox.run_with(&["rank", "\u{200b}"], "甲\n"),
            "the query: the text is blank",
        ),
        (
            sandbox.run_with(&["embed"], "甲\n\u{200b}\n"),
            "line 2: the text is blank",
        ),
        (
            sandbox.run_with(&["embed"], b"\xff\xfe\n"),
            "line 1: the line is not UTF-8",
        ),
        (sandbox.run(&["batch", "missing.tsv"]), "missing.tsv"),
        (sandbox.run(&["batch", "."]), ".: Is a directory"),
    ];
    for (output, words) in wrong {
        assert_eq!(output.code(), Some(2), "{words}: {output:?}");
        assert!(output.stderr.contains(words), "{words}: {output:?}");
    }
    for usage in [
        &["sim", GOOD][..],
        &["nonsense"],
        &["sim", GOOD, FINE, "--nonsense"],
    ] {
        assert_eq!(sandbox.run(usage).code(), Some(2));
    }
}

#[test]
fn lines_before_a_wrong_one_are_answered() {
    let sandbox = Sandbox::default();
    let output = sandbox.run_with(&["batch"], format!("{GOOD}\t{FINE}\n{GOOD}\n"));
    assert_eq!(output.code(), Some(2));
    assert!(has_golden_score(&output.stdout), "{output:?}");
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let sandbox = Sandbox::default();
    let lines: String = (0..2000).map(|n| format!("第{n}行\t{GOOD}\n")).collect();
    let file = sandbox.path().join("pairs.tsv");
    std::fs::write(&file, lines).expect("a file can be written");
    let mut gte = sandbox
        .gte(&["batch", "pairs.tsv"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut first = String::new();
    // Like `head -n 1`: reads a line and closes the pipe.
    let mut reader = BufReader::new(gte.stdout.take().expect("stdout is piped"));
    reader.read_line(&mut first).expect("a line comes");
    drop(reader);
    let output = gte.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn status_and_stop_start_no_daemon() {
    let sandbox = Sandbox::default();
    let status = sandbox.run(&["status"]);
    assert_eq!(status.code(), Some(1));
    assert!(status.stderr.contains("no daemon is running"), "{status:?}");
    let stop = sandbox.run(&["stop", "--json"]).json();
    assert_eq!(stop["stopped"], false);
    assert!(!sandbox.socket().exists());

    sandbox.run(&["sim", GOOD, FINE]).success();
    let status = sandbox.run(&["status", "--json"]).json();
    assert_eq!(status["model"]["id"], "bge-small-zh-v1.5");
    assert_eq!(status["texts"], 2);
    assert!(status["resident_bytes"].as_u64().unwrap() > 1_000_000);
    assert!(
        sandbox
            .run(&["status"])
            .success()
            .contains("model\tbge-small-zh-v1.5\n")
    );
    assert_eq!(sandbox.run(&["stop", "--json"]).json()["stopped"], true);
    assert!(!sandbox.socket().exists());
}

#[test]
fn a_model_is_timed_with_batches_of_fixed_sizes_or_with_lines() {
    let sandbox = Sandbox::default();
    let folder = fixture("tiny-bert/hf");
    let folder = folder.to_str().expect("UTF-8");
    let printed = sandbox
        .gted(&["bench", "--model", folder, "--json"])
        .success();
    let rows: Vec<Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(rows.len(), 1 + 6);
    let machine = |machine: &Value| {
        for key in ["f32_gops", "int8_gops", "memory_gb_per_s", "share"] {
            let number = machine[key].as_f64().expect("a number");
            assert!(number > 0.0, "{machine}");
        }
    };
    machine(&rows[0]);
    for row in &rows[1..] {
        let number = |key: &str| row[key].as_f64().expect("a number");
        assert!(number("batch") >= 1.0 && number("tokens") >= 16.0, "{row}");
        assert!(
            0.0 < number("min_ms") && number("min_ms") <= number("median_ms"),
            "{row}"
        );
    }
    let lines = sandbox.path().join("lines.txt");
    std::fs::write(&lines, "a b c\nb c d\n".repeat(700)).expect("a file can be written");
    let lines = lines.to_str().expect("UTF-8");
    let printed = sandbox
        .gted(&["bench", "--model", folder, "--lines", lines, "--json"])
        .success();
    let (first, second) = printed.split_once('\n').expect("two lines");
    machine(&serde_json::from_str(first).expect("JSON"));
    let timed: Value = serde_json::from_str(second).expect("JSON");
    assert_eq!(timed["texts"], 1400);
    assert_eq!(timed["tokens"], 1400 * 5);
    assert!(timed["texts_per_s"].as_f64().is_some_and(|rate| rate > 0.0));
}

#[test]
fn the_daemon_is_timed_under_load() {
    let sandbox = Sandbox::default();
    let printed = sandbox
        .run(&["bench", "--clients", "3", "--seconds", "1", "--json"])
        .success();
    let rows: Vec<Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
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
    // Each connection asks once before its time begins; and asking for the status was one.
    let counted = status["requests"].as_f64().expect("a number");
    assert!(counted >= requests + 6.0, "{counted} of {requests}");
    let none = sandbox.run(&["bench", "--clients", "0"]);
    assert_eq!(none.code(), Some(2));
}
