//! Wrong input: named on stderr, with exit code 2.

use gte_tests::{GOLDEN_A, GOLDEN_B, Output, Sandbox};

/// Asserts that a program ended with 2 and a message that contains `words`.
fn assert_refused(output: &Output, words: &str) {
    assert_eq!(output.code(), Some(2), "{words}: {output:?}");
    assert!(output.stderr.contains(words), "{words}: {output:?}");
}

#[test]
fn sim_refuses_a_blank_text() {
    let sandbox = Sandbox::default();
    // White space, and characters of which the tokenizer leaves nothing.
    for blank in ["", " \t ", "\u{3000}", "\u{200b}\u{feff}", "\u{7}"] {
        let output = sandbox.run(&["sim", GOLDEN_A, blank]);
        assert_refused(&output, "text B: the text is blank");
        assert_eq!(output.stdout, "");
    }
}

#[test]
fn batch_names_a_wrong_line() {
    let sandbox = Sandbox::default();
    let one_column = format!("{GOLDEN_A}\n");
    let second_blank = format!("{GOLDEN_A}\t \n");
    for (lines, words) in [
        (one_column.as_str(), "line 1: 1 column, where a pair has 2"),
        (second_blank.as_str(), "line 1: text B is blank"),
        (
            "甲\t乙\n丙\t\u{200b}\n",
            "line 2, text B: the text is blank",
        ),
    ] {
        assert_refused(&sandbox.run_with(&["batch"], lines), words);
    }
}

#[test]
fn lines_before_a_wrong_one_are_answered() {
    let sandbox = Sandbox::default();
    // Wrong for the command, and wrong for the daemon: in the first and in the third request.
    for wrong in ["", "\u{200b}"] {
        for good in [0, 1, 3, 600] {
            let text = |n: usize| format!("第{n}行");
            let lines: String = (0..good).map(|n| text(n) + "\n").collect();
            let lines = format!("{lines}{wrong}\n后面\n");
            let pairs: String = (0..good).map(|n| format!("{}\t乙\n", text(n))).collect();
            let pairs = format!("{pairs}{wrong}\t乙\n后面\t乙\n");
            for (arguments, input) in [
                (&["batch"][..], &pairs),
                (&["embed"], &lines),
                (&["rank", "甲", "--on-error", "fail"], &lines),
            ] {
                let output = sandbox.run_with(arguments, input);
                assert_refused(&output, &format!("line {}", good + 1));
                let printed = output.stdout.lines().count();
                assert_eq!(printed, good, "{arguments:?}");
            }
        }
    }
}

#[test]
fn the_first_of_several_wrong_lines_is_named() {
    let sandbox = Sandbox::default();
    // The daemon sees the long text first.
    let lines = format!("甲\n乙\n\u{200b}\n丁\n{}\n", "长".repeat(90_000));
    let output = sandbox.run_with(&["embed"], lines);
    assert_refused(&output, "line 3: the text is blank");
    assert_eq!(output.stdout.lines().count(), 2);
}

#[test]
fn rank_names_a_blank_query() {
    let sandbox = Sandbox::default();
    let output = sandbox.run_with(&["rank", "\u{200b}"], "甲\n");
    assert_refused(&output, "the query: the text is blank");
}

#[test]
fn batch_and_rank_pass_over_blank_lines() {
    let sandbox = Sandbox::default();
    let told = "gte: 2 blank lines were passed over: 2, 4\n";
    // White space, and a character of which the tokenizer leaves nothing.
    let rank = sandbox.run_with(&["rank", "怎么退款"], "退款流程\n \n今天下雨\n\u{200b}\n");
    assert_eq!(rank.stderr, told);
    let numbers = rank.success();
    let numbers = numbers.lines().map(|line| line.split('\t').nth(3));
    assert_eq!(numbers.collect::<Vec<_>>(), [Some("1"), Some("3")]);
    let batch = sandbox.run_with(&["batch"], "甲\t乙\n\n丙\t丁\n\t\n");
    assert_eq!(batch.stderr, told);
    assert_eq!(batch.success().lines().count(), 2);
    let many = sandbox.run_with(&["batch"], "\n".repeat(12));
    assert_eq!(
        many.stderr,
        "gte: 12 blank lines were passed over: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more\n"
    );
    assert_eq!(many.success(), "");
    let stated = sandbox.run_with(&["batch", "--on-error", "fail"], "甲\t乙\n\n");
    assert_refused(&stated, "line 2: the text is blank");
}

#[test]
fn faulty_lines_are_passed_over_or_have_rows_of_their_own() {
    let sandbox = Sandbox::default();
    // Every third is refused by the daemon, every seventh by the reader, over several requests.
    let texts: Vec<&str> = (0..700)
        .map(|n| match n {
            _ if n % 3 == 2 => "\u{200b}",
            _ if n % 7 == 6 => "一行\0",
            _ => "好",
        })
        .collect();
    let good = texts.iter().filter(|text| **text == "好").count();
    for (command, lines) in [
        (&["embed"][..], texts.join("\n")),
        (&["rank", "好"], texts.join("\n")),
        (&["batch"], texts.join("\t好\n") + "\t好\n"),
    ] {
        let skip = [command, &["--on-error", "skip"]].concat();
        let skipped = sandbox.run_with(&skip, &lines);
        assert_eq!(skipped.code(), Some(0), "{skipped:?}");
        assert_eq!(skipped.stdout.lines().count(), good, "{command:?}");
        assert!(!skipped.stdout.contains("null"));
        let null = [command, &["--on-error", "null", "--json"]].concat();
        let rows = sandbox.run_with(&null, &lines);
        assert!(rows.stderr.contains("lines have no result"), "{rows:?}");
        let mut rows = rows.json_lines();
        assert_eq!(rows.len(), texts.len(), "{command:?}");
        if command[0] == "rank" {
            let last = rows.last().expect("rows");
            assert!(
                last["error"].is_string(),
                "those without a result come last"
            );
            rows.sort_by_key(|row| row["line"].as_u64());
        }
        for ((row, text), number) in rows.iter().zip(&texts).zip(1..) {
            assert_eq!(row["line"], number);
            assert_eq!(row.get("error").is_none(), *text == "好", "{row}");
        }
    }
    let table = sandbox
        .run_with(&["embed", "--on-error", "null"], "好\n\n好\n")
        .success();
    let table: Vec<&str> = table.lines().collect();
    assert_eq!((table[0], table[1]), (table[2], "null"));
    let all = sandbox
        .run_with(&["batch", "--on-error", "null"], "\n\n")
        .success();
    assert_eq!(all, "null\tnull\tnull\t\t\n".repeat(2));
}

#[test]
fn a_faulty_line_says_how_to_go_on() {
    let sandbox = Sandbox::default();
    for (command, input, words) in [
        (
            "batch",
            &b"\xce\xd2\xc3\xc7\t\xc4\xe3\xba\xc3\n"[..],
            "--encoding gb18030",
        ),
        ("batch", "甲,乙\n".as_bytes(), "--format csv"),
        ("batch", b"{\"a\":1}\n", "--format jsonl"),
        ("embed", b"{\"a\":\"b\"}\n", "--format jsonl"),
        ("embed", b"\xff\xfea\0\n\0", "--encoding utf-16le"),
        ("embed", b"PK\x03\x04\n", "save the table as CSV"),
        ("batch", "7\t甲\t乙\n".as_bytes(), "--columns"),
    ] {
        let output = sandbox.run_with(&[command], input);
        assert_refused(&output, "hint: ");
        assert!(output.stderr.contains(words), "{output:?}");
        assert_eq!(output.stdout, "");
    }
}

#[test]
fn embed_names_a_line_that_is_blank_or_not_utf8() {
    let sandbox = Sandbox::default();
    let blank = sandbox.run_with(&["embed"], "甲\n\u{200b}\n");
    assert_refused(&blank, "line 2: the text is blank");
    let binary = sandbox.run_with(&["embed"], b"\xff\n");
    assert_refused(&binary, "line 1: the line is not UTF-8");
}

#[test]
fn batch_names_a_file_that_cannot_be_read() {
    let sandbox = Sandbox::default();
    assert_refused(&sandbox.run(&["batch", "missing.tsv"]), "missing.tsv");
    assert_refused(&sandbox.run(&["batch", "."]), ".: Is a directory");
}

#[test]
fn wrong_arguments_exit_with_2() {
    let sandbox = Sandbox::default();
    for arguments in [
        &["sim", GOLDEN_A][..],
        &["nonsense"],
        &["sim", GOLDEN_A, GOLDEN_B, "--nonsense"],
        &["batch", "--format", "lines"],
        &["embed", "--format", "lines", "--field", "1"],
        &["embed", "--format", "jsonl", "--header", "yes"],
        &["batch", "--columns", "1"],
        &["embed", "--field", "0"],
        &["embed", "--encoding", "utf-32"],
    ] {
        assert_eq!(sandbox.run(arguments).code(), Some(2));
    }
}
