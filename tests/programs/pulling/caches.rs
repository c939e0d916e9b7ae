//! Offline pulls, from the caches of the hubs' own clients.

use std::fs;

use gte_tests::{COMMIT, Output, Sandbox, fixture};

use super::pull::{REPO, pull, run_pull, tiny_hub};
use crate::models::{assert_matches_pytorch, copy_folder};

#[test]
fn an_offline_pull_requests_nothing() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    let offline = run_pull(&sandbox, &hub, &[REPO, "--offline"]);
    assert_eq!(offline.code(), Some(1));
    assert!(
        offline.stderr.contains("the network is not to be used"),
        "{offline:?}"
    );
    for (name, value) in [("HF_HUB_OFFLINE", "1"), ("TRANSFORMERS_OFFLINE", "Yes")] {
        let mut command = pull(&sandbox, &hub, &[REPO]);
        command.env(name, value);
        assert_eq!(Output::of(&mut command).code(), Some(1));
    }
    assert_eq!(hub.take_requests().len(), 0);
}

#[test]
fn an_offline_pull_uses_hugging_faces_cache() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    let cache = sandbox
        .path()
        .join(".cache/huggingface/hub/models--owner--tiny");
    fs::create_dir_all(cache.join("refs")).expect("a folder can be created");
    fs::write(cache.join("refs/main"), COMMIT).expect("a file can be written");
    let snapshot = cache.join("snapshots").join(COMMIT);
    copy_folder(&fixture("tiny-bert/hf"), &snapshot);
    run_pull(&sandbox, &hub, &[REPO, "--offline"]).success();
    assert_eq!(hub.take_requests().len(), 0);
    assert_matches_pytorch(&sandbox, "tiny");
}

const DOTTED: &str = "bge-base-zh-v1.5";

/// Puts a model with a dot in its name into ModelScope's cache, beside an empty folder of another
/// client.
fn fill_modelscopes_cache(sandbox: &Sandbox) {
    let cache = sandbox.path().join(".cache/modelscope/hub/models/BAAI");
    fs::create_dir_all(cache.join(DOTTED)).expect("a folder can be created");
    copy_folder(&fixture("tiny-bert/hf"), &cache.join("bge-base-zh-v1___5"));
}

#[test]
fn modelscopes_cache_is_found_under_its_escaped_name() {
    let sandbox = Sandbox::default();
    fill_modelscopes_cache(&sandbox);
    let hub = tiny_hub();
    let printed = run_pull(&sandbox, &hub, &[DOTTED, "--offline"]).success();
    assert!(
        printed.contains("from modelscope:BAAI/bge-base-zh-v1.5"),
        "{printed}"
    );
    assert_eq!(hub.take_requests().len(), 0);
    assert_matches_pytorch(&sandbox, DOTTED);
}

#[test]
fn a_cache_of_unknown_revision_provides_no_revision() {
    let sandbox = Sandbox::default();
    fill_modelscopes_cache(&sandbox);
    let hub = tiny_hub();
    // The cache without a revision is usable.
    run_pull(&sandbox, &hub, &[DOTTED, "--offline"]).success();
    sandbox.gted(&["remove", DOTTED]).success();
    let arguments = [DOTTED, "--offline", "--revision", "v1"];
    let revision = run_pull(&sandbox, &hub, &arguments);
    assert_eq!(revision.code(), Some(1));
    assert_eq!(hub.take_requests().len(), 0);
}

#[test]
fn modelscopes_new_cache_is_found_with_its_revisions() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    let cache = sandbox
        .path()
        .join("ms/models/BAAI--bge-base-zh-v1.5/snapshots");
    for revision in ["master", "v1"] {
        copy_folder(&fixture("tiny-bert/hf"), &cache.join(revision));
    }
    let offline = |arguments: &[&str]| {
        let arguments = [&[DOTTED, "--offline"], arguments].concat();
        let mut command = pull(&sandbox, &hub, &arguments);
        command.env("MODELSCOPE_CACHE", "~/ms");
        Output::of(&mut command)
    };
    let printed = offline(&[]).success();
    assert!(
        printed.contains("from modelscope:BAAI/bge-base-zh-v1.5"),
        "{printed}"
    );
    sandbox.gted(&["remove", DOTTED]).success();
    offline(&["--revision", "v1"]).success();
    sandbox.gted(&["remove", DOTTED]).success();
    assert_eq!(offline(&["--revision", "v2"]).code(), Some(1));
    for revision in ["master", "v1"] {
        fs::remove_file(cache.join(revision).join("model.safetensors")).expect("it is there");
    }
    let incomplete = offline(&[]);
    assert!(
        incomplete
            .stderr
            .contains("snapshots/master is incomplete: it has no weights"),
        "{incomplete:?}"
    );
    assert_eq!(hub.take_requests().len(), 0);
}

#[test]
fn a_lone_snapshot_is_for_those_who_cannot_ask_the_hub() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    let cache = sandbox
        .path()
        .join(".cache/huggingface/hub/models--owner--tiny");
    let old = "fffffff789abcdef0123456789abcdef01234567";
    copy_folder(&fixture("tiny-bert/hf"), &cache.join("snapshots").join(old));
    let offline = run_pull(&sandbox, &hub, &[REPO, "--offline"]);
    let note = format!("its only one, {old}, was taken");
    assert!(offline.stderr.contains(&note), "{offline:?}");
    offline.success();
    sandbox.gted(&["remove", "tiny"]).success();
    run_pull(&sandbox, &hub, &[REPO, "--from", "huggingface"]).success();
    assert!(!hub.take_requests().is_empty(), "the hub has the newest");
    sandbox.gted(&["remove", "tiny"]).success();
    // A name leads to it, so that it is not the newest.
    fs::create_dir_all(cache.join("refs")).expect("a folder can be created");
    fs::write(cache.join("refs/v1"), old).expect("a file can be written");
    assert_eq!(
        run_pull(&sandbox, &hub, &[REPO, "--offline"]).code(),
        Some(1)
    );
}

#[test]
fn a_folder_of_a_cache_has_the_name_of_its_repository() {
    let sandbox = Sandbox::default();
    let repository = sandbox.path().join("models--owner--tiny");
    let snapshot = repository.join("snapshots").join(COMMIT);
    copy_folder(&fixture("tiny-bert/hf"), &snapshot);
    for folder in [&repository, &snapshot] {
        let printed = sandbox
            .gted(&["convert", folder.to_str().expect("UTF-8")])
            .success();
        assert!(printed.starts_with("tiny is installed"), "{printed}");
        sandbox.gted(&["remove", "tiny"]).success();
    }
    // A file in a cache is a link to one without a name.
    let blob = repository.join("blobs/354763b9");
    fs::create_dir_all(repository.join("blobs")).expect("a folder can be created");
    fs::rename(snapshot.join("model.safetensors"), &blob).expect("it is there");
    let link = snapshot.join("model.fp16.safetensors");
    std::os::unix::fs::symlink(&blob, &link).expect("a link can be made");
    let link = link.to_str().expect("UTF-8");
    sandbox
        .gted(&["convert", link, "--name", "linked"])
        .success();
    // A name of the catalog belongs to its publishers.
    let other = sandbox.path().join("models--somebody--gte-base-zh");
    copy_folder(
        &fixture("tiny-bert/hf"),
        &other.join("snapshots").join(COMMIT),
    );
    let printed = sandbox
        .gted(&["convert", other.to_str().expect("UTF-8")])
        .success();
    assert!(
        printed.starts_with("somebody--gte-base-zh is installed"),
        "{printed}"
    );
    let tilde = sandbox.gted(&["convert", "~/m"]);
    assert!(tilde.stderr.contains("write $HOME for ~"), "{tilde:?}");
}
