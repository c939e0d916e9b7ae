//! Formats of the input: tables, JSON lines and encodings, from files of their names.

use gte_tests::{GOLDEN_A, GOLDEN_B, Sandbox, has_golden_score};

/// Writes a file into the sandbox.
fn write(sandbox: &Sandbox, name: &str, content: impl AsRef<[u8]>) {
    std::fs::write(sandbox.path().join(name), content).expect("a file can be written");
}

#[test]
fn a_table_with_a_header_keeps_its_further_columns() {
    let sandbox = Sandbox::default();
    let tsv = format!("text_a\ttext_b\tlabel\n{GOLDEN_A}\t{GOLDEN_B}\t1\n");
    write(&sandbox, "lcqmc.tsv", tsv);
    let csv = format!("id,问,答,备注\r\n7,\"{GOLDEN_A}\",{GOLDEN_B},\"a, \"\"b\"\"\nc\"\r\n");
    write(&sandbox, "faq.CSV", csv);
    let row = sandbox.run(&["batch", "lcqmc.tsv"]).success();
    assert!(has_golden_score(&row), "{row}");
    assert!(
        row.ends_with(&format!("\t{GOLDEN_A}\t{GOLDEN_B}\t1\n")),
        "{row}"
    );
    let named = ["batch", "faq.CSV", "--columns", "问,答"];
    let row = sandbox.run(&named).success();
    let columns = format!("\t{GOLDEN_A}\t{GOLDEN_B}\t7\ta, \"b\" c\n");
    assert!(has_golden_score(&row) && row.ends_with(&columns), "{row}");
    let row = sandbox.run(&[&named[..], &["--json"]].concat()).json();
    assert_eq!(row["line"], 2);
    assert_eq!(
        row["fields"],
        serde_json::json!({"id": "7", "备注": "a, \"b\"\nc"})
    );
}

#[test]
fn json_lines_keep_their_further_fields() {
    let sandbox = Sandbox::default();
    let line = serde_json::json!({"id": 7, "text": GOLDEN_A, "tags": ["x", null]});
    write(&sandbox, "faq.jsonl", format!("{line}\n"));
    let row = sandbox.run(&["rank", GOLDEN_B, "faq.jsonl"]).success();
    let columns = format!("\t1\t{GOLDEN_A}\t7\t[\"x\",null]\n");
    assert!(has_golden_score(&row) && row.ends_with(&columns), "{row}");
    let row = sandbox.run(&["embed", "faq.jsonl", "--json"]).json();
    assert_eq!(
        row["fields"],
        serde_json::json!({"id": 7, "tags": ["x", null]})
    );
    let row = sandbox.run(&["embed", "faq.jsonl", "--field", "id"]);
    assert_eq!(row.code(), Some(2));
    assert!(
        row.stderr.contains("line 1: the field id is a number"),
        "{row:?}"
    );
}

#[test]
fn stated_encodings_give_the_scores_of_utf8() {
    let sandbox = Sandbox::default();
    // 今天天气很好 and 今天天气不错 in GB18030, with a tab between them.
    let gb18030 = b"\xbd\xf1\xcc\xec\xcc\xec\xc6\xf8\xba\xdc\xba\xc3\t\xbd\xf1\xcc\xec\xcc\xec\xc6\xf8\xb2\xbb\xb4\xed\n";
    let text = format!("\u{feff}{GOLDEN_A}\t{GOLDEN_B}\r\n");
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (encoding, bytes) in [
        ("gbk", &gb18030[..]),
        ("GB18030", gb18030),
        ("utf-16", &utf16),
    ] {
        let row = sandbox
            .run_with(&["batch", "--encoding", encoding], bytes)
            .success();
        assert!(has_golden_score(&row), "{encoding}: {row}");
        assert!(
            row.ends_with(&format!("\t{GOLDEN_A}\t{GOLDEN_B}\n")),
            "{encoding}: {row}"
        );
    }
    let wrong = sandbox.run_with(&["batch", "--encoding", "big5"], b"\xff\t\n");
    assert_eq!(wrong.code(), Some(2));
    assert!(
        wrong
            .stderr
            .contains("line 1: the line has bytes that are not Big5"),
        "{wrong:?}"
    );
}
