//! `gted verify`: checksums of files, published cosines, and the version of the manifest.

use std::fs;

use gte_tests::{Sandbox, fixture};

use super::setup::convert;

#[test]
fn verify_compares_the_builtin_model_with_pytorch() {
    let sandbox = Sandbox::default();
    let printed = sandbox.gted(&["verify"]).success();
    assert!(printed.contains("6 pairs by PyTorch"), "{printed}");
}

#[test]
fn verify_says_that_a_model_has_no_published_pairs() {
    let sandbox = Sandbox::default();
    convert(&sandbox, &fixture("tiny-bert/hf"), "tiny").success();
    let printed = sandbox.gted(&["verify", "tiny"]).success();
    assert!(printed.contains("no published pairs"), "{printed}");
}

#[test]
fn verify_refuses_another_model_under_a_published_name() {
    let sandbox = Sandbox::default();
    convert(&sandbox, &fixture("tiny-bert/hf"), "gte-base-zh").success();
    let other = sandbox.gted(&["verify", "gte-base-zh"]);
    assert_eq!(other.code(), Some(1));
    assert!(
        other.stderr.contains("does not give the published cosines"),
        "{other:?}"
    );
}

#[test]
fn verify_names_a_damaged_file() {
    let sandbox = Sandbox::default();
    convert(&sandbox, &fixture("tiny-bert/hf"), "tiny").success();
    let pack = sandbox.models().join("tiny/model.bpk");
    let mut bytes = fs::read(&pack).expect("the pack exists");
    *bytes.last_mut().expect("the pack has bytes") ^= 1;
    fs::write(&pack, bytes).expect("a file can be written");
    let damaged = sandbox.gted(&["verify", "tiny"]);
    assert_eq!(damaged.code(), Some(1));
    assert!(
        damaged.stderr.contains("model.bpk of tiny is damaged"),
        "{damaged:?}"
    );
}

#[test]
fn a_manifest_of_another_version_is_refused() {
    let sandbox = Sandbox::default();
    convert(&sandbox, &fixture("tiny-bert/hf"), "tiny").success();
    let path = sandbox.models().join("tiny/manifest.json");
    let manifest = fs::read_to_string(&path).expect("the manifest exists");
    let newer = manifest.replace("\"version\": 1", "\"version\": 99");
    assert_ne!(newer, manifest);
    fs::write(&path, newer).expect("a file can be written");
    let output = sandbox.gted(&["serve", "--model", "tiny"]);
    assert_eq!(output.code(), Some(4));
    assert!(output.stderr.contains("of version 99"), "{output:?}");
}
