//! Comparison of token ids with Hugging Face's BERT tokenizer: edge cases, and thousands of real
//! lines on machines that have them.

use std::fs;
use std::path::Path;

use gte_daemon::engine::{Tokenize, TokenizeError};
use gte_daemon::model::{Folder, Source, Tokenizer};
use gte_shared::wire::{TextRules, Truncation};
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
    let tokens = tokenizer.ids(&row.text);
    if row.ids == BLANK {
        assert_eq!(tokens, Err(TokenizeError::Blank), "{:?}", row.text);
        return;
    }
    let tokens = tokens.unwrap();
    if SPECIAL.iter().any(|word| row.text.contains(word)) {
        // This program differs on purpose: it reads typed names as text. Hugging Face's default
        // makes "[SEP]" in a text a separator.
        let ids = &*tokens;
        assert_eq!([ids.first(), ids.last()], [row.ids.first(), row.ids.last()]);
        let typed = &ids[1..ids.len() - 1];
        assert!(
            !typed.iter().any(|id| SPECIAL_IDS.contains(id)),
            "{typed:?}"
        );
        return;
    }
    assert_eq!(*tokens, *row.ids, "{:?}", row.text);
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
fn the_built_in_tokenizer_is_the_published_one() {
    let Some(published) = shared_fixture("models/bge-small-zh-v1.5") else {
        return;
    };
    let published = tokenizer(&published);
    let built_in = Tokenizer::load(&Source::Builtin, 512).unwrap();
    let lines = shared_fixture("fixtures/tokens/lines.jsonl").unwrap();
    let lines = fs::read_to_string(lines).unwrap();
    let rows = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let edge: Vec<Row> = read(&fixture("tokens/edge.json"));
    for Row { text, .. } in edge.into_iter().chain(rows) {
        for text in [text.to_uppercase(), text] {
            assert_eq!(built_in.ids(&text), published.ids(&text), "{text:?}");
        }
    }
}

#[test]
fn a_truncated_text_keeps_its_beginning_and_last_token() {
    let source = Source::Folder(Folder::new(&fixture("tokens")));
    let tokenizer = Tokenizer::load(&source, 5).unwrap();
    let tokenize = |text: &str, truncation| {
        let rules = TextRules {
            truncation,
            ..TextRules::default()
        };
        tokenizer.tokenize(text, rules)
    };
    let ids = |text: &str| tokenizer.ids(text).unwrap();
    let fits = tokenize("今天天", Truncation::Error).unwrap();
    assert_eq!(
        (fits.windows[0].len(), fits.info.is_truncated()),
        (5, false)
    );
    // Offsets count the space.
    let long = "今天 天气很好";
    let head = tokenize(long, Truncation::Head).unwrap();
    assert_eq!(head.windows, [ids("今天天")]);
    assert_eq!((head.info.tokens, head.info.total_tokens), (5, 8));
    assert_eq!(head.info.cut_at, Some(4));
    let tail = tokenize(long, Truncation::Tail).unwrap();
    assert_eq!(tail.windows, [ids("气很好")]);
    assert_eq!(tail.info.cut_at, Some(4));
    let chunk = tokenize(long, Truncation::Chunk).unwrap();
    assert_eq!(chunk.windows, [ids("今天天"), ids("气很好")]);
    assert_eq!((chunk.info.tokens, chunk.info.windows), (8, 2));
    assert_eq!(chunk.info.cut_at, None);
    let (tokens, limit) = (8, 5);
    let refused = Err(TokenizeError::TooManyTokens { tokens, limit });
    assert_eq!(tokenize(long, Truncation::Error), refused);
}

#[test]
fn unknown_tokens_are_counted_and_placed() {
    let tokenizer = Tokenizer::load(&Source::Builtin, 512).unwrap();
    let steps = |steps: &str| TextRules {
        text_steps: steps.parse().unwrap(),
        ..TextRules::default()
    };
    let published = tokenizer
        .tokenize("我的iPhone坏了", TextRules::default())
        .unwrap();
    assert_eq!(
        *published.windows[0],
        [101, 2769, 4638, 100, 1776, 749, 102]
    );
    assert_eq!(
        (published.info.unknown, &published.info.unknown_at[..]),
        (1, &[(2, 8)][..])
    );
    let read = tokenizer
        .tokenize("我的iPhone坏了", steps("lowercase"))
        .unwrap();
    assert_eq!(
        (read.info.unknown, read.info.changed_by),
        (0, steps("lowercase").text_steps)
    );
    // Of what was cut off, nothing is told.
    let short = Tokenizer::load(&Source::Builtin, 5).unwrap();
    let info = short
        .tokenize("A😀好B好C", TextRules::default())
        .unwrap()
        .info;
    assert_eq!((info.unknown, info.unknown_at), (2, vec![(0, 2), (3, 4)]));
    assert!(info.cut_at == Some(4) && info.total_tokens == 7);
    let many = tokenizer
        .tokenize("A B C D E F", TextRules::default())
        .unwrap()
        .info;
    assert_eq!((many.unknown, many.unknown_at.len()), (6, 4));
    assert!(many.is_mostly_unknown() && !published.info.is_mostly_unknown());
}
