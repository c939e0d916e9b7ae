//! Comparison of token ids with Hugging Face's BERT tokenizer: edge cases, and thousands of real
//! lines on machines that have them.

use std::fs;
use std::path::Path;

use gte_daemon::engine::{Tokenize, TokenizeError};
use gte_daemon::model::{Folder, Source, Tokenizer};
use gte_tests::{fixture, shared_fixture};
use serde::Deserialize;

use crate::read;

#[derive(Deserialize)]
struct Row {
    text: String,
    ids: Vec<u32>,
}

/// Token ids of a blank text: `[CLS]` and `[SEP]`.
const BLANK: [u32; 2] = [101, 102];

/// Names of the special tokens, as a user may type them.
const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/// Token ids that typed text must not get: `[PAD]`, `[CLS]`, `[SEP]` and `[MASK]`. (`[UNK]` stands
/// for unknown words as well.)
const SPECIAL_IDS: [u32; 4] = [0, 101, 102, 103];

/// Compares the token ids of a text with the reference.
fn check(tokenizer: &Tokenizer, row: &Row) {
    let tokens = tokenizer.tokenize(&row.text);
    if row.ids == BLANK {
        assert_eq!(tokens, Err(TokenizeError::Blank), "{:?}", row.text);
        return;
    }
    let tokens = tokens.unwrap();
    if SPECIAL.iter().any(|word| row.text.contains(word)) {
        // This program differs on purpose: it reads typed names as text. Hugging Face's default
        // makes "[SEP]" in a text a separator.
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

/// Loads a tokenizer with the reference's limit of 512 tokens.
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
    let Some(folder) = shared_fixture("fixtures/tokens") else {
        return;
    };
    // A tokenizer from tokenizer.json, and one from vocab.txt alone.
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
fn a_truncated_text_keeps_its_beginning_and_last_token() {
    let source = Source::Folder(Folder::new(&fixture("tokens")));
    let tokenizer = Tokenizer::load(&source, 5).unwrap();
    let fits = tokenizer.tokenize("今天天").unwrap();
    assert_eq!((fits.ids.len(), fits.info.truncated), (5, false));
    let cut = tokenizer.tokenize("今天天气很好").unwrap();
    assert_eq!((cut.info.tokens, cut.info.truncated), (5, true));
    assert_eq!(cut.ids, fits.ids);
}
