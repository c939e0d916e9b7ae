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
    let first_blank = format!("{GOLDEN_A}\t{GOLDEN_B}\n\n");
    let one_column = format!("{GOLDEN_A}\n");
    let second_blank = format!("{GOLDEN_A}\t \n");
    for (lines, words) in [
        (first_blank.as_str(), "line 2: the text is blank"),
        (one_column.as_str(), "line 1: 1 columns"),
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
                (&["rank", "甲"], &lines),
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
fn rank_names_a_blank_line_or_query() {
    let sandbox = Sandbox::default();
    for (query, lines, words) in [
        (GOLDEN_A, "甲\n \n", "line 2: the text is blank"),
        (GOLDEN_A, "甲\n\u{200b}\n", "line 2: the text is blank"),
        ("\u{200b}", "甲\n", "the query: the text is blank"),
    ] {
        assert_refused(&sandbox.run_with(&["rank", query], lines), words);
    }
}

#[test]
fn embed_names_a_line_that_is_blank_or_not_utf8() {
    let sandbox = Sandbox::default();
    let blank = sandbox.run_with(&["embed"], "甲\n\u{200b}\n");
    assert_refused(&blank, "line 2: the text is blank");
    let binary = sandbox.run_with(&["embed"], b"\xff\xfe\n");
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
    ] {
        assert_eq!(sandbox.run(arguments).code(), Some(2));
    }
}
