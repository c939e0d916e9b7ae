//! Files of an unfinished pull: kept where they are right, replaced where they changed, removed on
//! request.

use std::fs;
use std::process::Child;

use gte_tests::{Faults, Hub, Sandbox, fixture};

use super::pull::{
    FROM_MODELSCOPE, REPO, from_modelscope, kill, partial_file, pull, requested_range, run_pull,
    tiny_hub, wait_during,
};
use crate::models::{assert_matches_pytorch, installed_entries};

const WITH_POOLING: [&str; 5] = [REPO, "--from", "modelscope", "--pooling", "cls"];

#[test]
fn files_of_two_revisions_are_not_mixed() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    let weights = fs::read(fixture("tiny-bert/hf/model.safetensors")).expect("the weights exist");
    let mut other = weights.clone();
    // The last value of the last tensor.
    *other.last_mut().expect("the weights have bytes") ^= 1;
    hub.change("model.safetensors", other);
    hub.set_faults(Faults::cut_at(5000));
    // ModelScope's revision has the same name before and after.
    assert_eq!(from_modelscope(&sandbox, &hub).code(), Some(1));
    hub.change("model.safetensors", weights);
    let tokenizer = fs::read_to_string(fixture("tiny-bert/hf/tokenizer.json"));
    let tokenizer = tokenizer.expect("the tokenizer exists");
    hub.change("tokenizer.json", format!("{tokenizer}\n").into_bytes());
    hub.clear_faults();
    from_modelscope(&sandbox, &hub).success();
    assert_matches_pytorch(&sandbox, "tiny");
    let installed = fs::read_to_string(sandbox.models().join("tiny/tokenizer.json"));
    let installed = installed.expect("the tokenizer is installed");
    assert!(
        installed.ends_with('\n'),
        "the newer tokenizer is installed"
    );
}

#[test]
fn files_gone_from_the_repository_are_not_installed() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    hub.set_faults(Faults::cut_at(5000));
    assert_eq!(from_modelscope(&sandbox, &hub).code(), Some(1));
    // Weights of another format and a further stage, left by a pull of an older revision.
    let download = sandbox.models().join(".tiny.modelscope.download");
    fs::write(download.join("pytorch_model.bin"), "old").expect("a file can be written");
    fs::write(download.join("modules.json"), r#"[{"type":"Dense"}]"#).expect("written");
    hub.clear_faults();
    from_modelscope(&sandbox, &hub).success();
    assert_matches_pytorch(&sandbox, "tiny");
}

#[test]
fn a_refusal_without_pooling_keeps_the_partial_download() {
    let sandbox = Sandbox::default();
    let hub = Hub::serving(&fixture("tiny-bert/modelscope"));
    hub.set_faults(Faults::cut_at(9000));
    let broken = run_pull(&sandbox, &hub, &WITH_POOLING);
    assert_eq!(broken.code(), Some(1));
    hub.clear_faults();
    let refused = run_pull(&sandbox, &hub, &FROM_MODELSCOPE);
    assert!(refused.stderr.contains("--pooling"), "{refused:?}");
    drop(hub.take_requests());
    run_pull(&sandbox, &hub, &WITH_POOLING).success();
    assert_eq!(requested_range(&hub).as_deref(), Some("bytes=9000-"));
}

/// Starts a pull whose connection breaks, and waits until it has a part of the weights.
fn running_pull(sandbox: &Sandbox) -> (Hub, Child) {
    let hub = Hub::serving(&fixture("tiny-bert/modelscope"));
    hub.set_faults(Faults::cut_at(9000));
    let mut child = pull(sandbox, &hub, &WITH_POOLING)
        .spawn()
        .expect("gted can be started");
    let part = partial_file(sandbox, "modelscope", "pytorch_model.bin");
    wait_during(&mut child, "the beginning of the file", || part.exists());
    (hub, child)
}

#[test]
fn remove_refuses_a_model_that_is_being_pulled() {
    let sandbox = Sandbox::default();
    let (_hub, child) = running_pull(&sandbox);
    let busy = sandbox.gted(&["remove", "tiny"]);
    kill(child);
    assert!(
        busy.stderr.contains("another gted is pulling tiny"),
        "{busy:?}"
    );
}

#[test]
fn remove_deletes_the_files_of_an_unfinished_pull() {
    let sandbox = Sandbox::default();
    let (_hub, child) = running_pull(&sandbox);
    kill(child);
    fs::create_dir(sandbox.models().join(".tiny.new")).expect("a folder can be created");
    sandbox.gted(&["remove", "tiny"]).success();
    assert_eq!(installed_entries(&sandbox), Vec::<String>::new());
    let again = sandbox.gted(&["remove", "tiny"]);
    assert_eq!(again.code(), Some(1), "nothing is left to remove");
}
