//! Token ids against Hugging Face's BERT tokenizer: edge cases everywhere, thousands of real lines
//! where they are.

use std::fs;
use std::path::Path;

use gte_daemon::engine::{Tokenize, TokenizeError};
use gte_daemon::model::{Folder, Source, Tokenizer};
use gte_tests::{fixture, shared};
use serde::Deserialize;

use crate::read;

#[derive(Deserialize)]
struct Row {
    text: String,
    ids: Vec<u32>,
}

/// What Hugging Face makes of nothing: `[CLS]` and `[SEP]`.
const NOTHING: [u32; 2] = [101, 102];

/// The special tokens as a user may type them, and the ids that must not come of it: `[PAD]`,
/// `[CLS]`, `[SEP]` and `[MASK]`. `[UNK]` stands for every unknown word as well.
const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const SPECIAL_IDS: [u32; 4] = [0, 101, 102, 103];

fn check(tokenizer: &Tokenizer, row: &Row) {
    let tokens = tokenizer.tokenize(&row.text);
    if row.ids == NOTHING {
        assert_eq!(tokens, Err(TokenizeError::Blank), "{:?}", row.text);
        return;
    }
    let tokens = tokens.unwrap();
    if SPECIAL.iter().any(|word| row.text.contains(word)) {
        // Here this program differs on purpose: what a user types is text. Hugging Face's default
        // would let "[SEP]" in a text act as the separator.
        let ids = &*tokens.ids;
        assert_eq!([ids.first(), ids.last()], [row.ids.first(), row.ids.last()]);
        let typed = &ids[1..ids.len() - 1];
        assert!(
            !typed.iter().any(|id| SPECIAL_IDS.contains(id)),
            "{typed:?}"
        );
        return;
    }
    assert_eq!(*tokens.ids, *row.ids, "{:?}", row.text);
}

/// A tokenizer that cuts where the reference was cut.
fn tokenizer(directory: &Path) -> Tokenizer {
    Tokenizer::load(&Source::Folder(Folder::new(directory)), 512).unwrap()
}

#[test]
fn edge_cases_have_the_expected_ids() {
    let rows: Vec<Row> = read(&fixture("tokens/edge.json"));
    let tokenizer = tokenizer(&fixture("tokens"));
    assert!(rows.len() > 35);
    for row in &rows {
        check(&tokenizer, row);
    }
}

#[test]
fn real_lines_have_the_expected_ids() {
    let Some(folder) = shared("fixtures/tokens") else {
        return;
    };
    // Both ways to a tokenizer: tokenizer.json, and vocab.txt alone.
    let from_vocabulary = tempfile::tempdir().unwrap();
    fs::copy(
        folder.join("vocab.txt"),
        from_vocabulary.path().join("vocab.txt"),
    )
    .unwrap();
    let lines = fs::read_to_string(folder.join("lines.jsonl")).unwrap();
    let edge: Vec<Row> = read(&folder.join("edge.json"));
    for tokenizer in [tokenizer(&folder), tokenizer(from_vocabulary.path())] {
        for row in &edge {
            check(&tokenizer, row);
        }
        for line in lines.lines() {
            check(&tokenizer, &serde_json::from_str(line).unwrap());
        }
    }
    assert!(lines.lines().count() > 100);
}

#[test]
fn a_long_text_keeps_its_beginning_and_its_closing_token() {
    let source = Source::Folder(Folder::new(&fixture("tokens")));
    let tokenizer = Tokenizer::load(&source, 5).unwrap();
    let fits = tokenizer.tokenize("今天天").unwrap();
    assert_eq!((fits.ids.len(), fits.info.truncated), (5, false));
    let cut = tokenizer.tokenize("今天天气很好").unwrap();
    assert_eq!((cut.info.tokens, cut.info.truncated), (5, true));
    assert_eq!(cut.ids, fits.ids);
}
