//! Sources of a pull: both hubs, mirrors, folders, revisions and a proxy.

use std::fs;
use std::process::Child;

use gte_shared::models::PullEvent;
use gte_tests::{COMMIT, Faults, Hub, Output, Sandbox, fixture};
use serde_json::Value;

use super::pull::{
    FROM_HUGGINGFACE, REPO, from_huggingface, from_modelscope, pull, run_pull, tiny_hub,
};
use crate::models::{assert_matches_pytorch, installed_entries, utf8};

#[test]
fn a_pull_from_hugging_face_installs_the_model() {
    let sandbox = Sandbox::default();
    let printed = from_huggingface(&sandbox, &tiny_hub()).success();
    assert!(
        printed.contains("tiny is installed, from huggingface:owner/tiny"),
        "{printed}"
    );
    let manifest = fs::read(sandbox.models().join("tiny/manifest.json"));
    let manifest = manifest.expect("the manifest exists");
    let manifest: Value = serde_json::from_slice(&manifest).expect("the manifest is JSON");
    assert_eq!(manifest["origin"]["revision"], COMMIT);
    assert_eq!(installed_entries(&sandbox), ["tiny"]);
    assert_matches_pytorch(&sandbox, "tiny");
}

#[test]
fn the_token_is_sent_to_the_hub_alone() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    from_huggingface(&sandbox, &hub).success();
    let requests = hub.take_requests();
    for request in &requests {
        let token = request.headers.contains_key("authorization");
        assert_eq!(token, !request.to_cdn, "{request:?}");
    }
    assert!(requests.iter().any(|request| request.to_cdn));
}

#[test]
fn a_second_pull_of_a_model_requests_nothing() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    from_huggingface(&sandbox, &hub).success();
    drop(hub.take_requests());
    let again = from_huggingface(&sandbox, &hub).success();
    assert!(again.contains("installed already"), "{again}");
    assert_eq!(hub.take_requests().len(), 0);
    assert_matches_pytorch(&sandbox, "tiny");
}

#[test]
fn the_catalog_states_the_pooling_of_a_modelscope_model() {
    let sandbox = Sandbox::default();
    let hub = Hub::serving(&fixture("tiny-bert/modelscope"));
    let printed = run_pull(&sandbox, &hub, &["gte-small-zh"]).success();
    assert!(
        printed.contains("from modelscope:iic/nlp_gte_sentence-embedding_chinese-small"),
        "{printed}"
    );
    assert_matches_pytorch(&sandbox, "gte-small-zh");
}

#[test]
fn unknown_pooling_is_refused_before_the_weights_are_fetched() {
    let sandbox = Sandbox::default();
    let hub = Hub::serving(&fixture("tiny-bert/modelscope"));
    let unknown = from_modelscope(&sandbox, &hub);
    assert_eq!(unknown.code(), Some(1));
    assert!(unknown.stderr.contains("--pooling cls"), "{unknown:?}");
    assert!(!hub.take_requests().iter().any(|request| request.to_cdn));
}

#[test]
fn the_user_can_state_the_pooling() {
    let sandbox = Sandbox::default();
    let hub = Hub::serving(&fixture("tiny-bert/modelscope"));
    let arguments = [REPO, "--from", "modelscope", "--pooling", "cls"];
    run_pull(&sandbox, &hub, &arguments).success();
    assert_matches_pytorch(&sandbox, "tiny");
}

#[test]
fn a_source_that_fails_is_named_and_the_next_is_tried() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    let mut command = pull(&sandbox, &hub, &[REPO]);
    // Nothing listens at this port.
    command.env("MODELSCOPE_ENDPOINT", "http://127.0.0.1:9");
    let output = Output::of(&mut command);
    let words = output.stderr.clone();
    assert!(
        words.contains("not from modelscope:owner/tiny: 127.0.0.1:9 cannot be reached"),
        "{words}"
    );
    assert!(output.success().contains("huggingface:owner/tiny"));
}

#[test]
fn a_folder_can_be_the_source() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    let folder = fixture("tiny-bert/hf");
    run_pull(&sandbox, &hub, &["tiny", "--from", utf8(&folder)]).success();
    assert_eq!(hub.take_requests().len(), 0);
    assert_matches_pytorch(&sandbox, "tiny");
}

#[test]
fn concurrent_pulls_fetch_the_weights_once() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    let pulls: Vec<Child> = (0..4)
        .map(|_| {
            let mut command = pull(&sandbox, &hub, &FROM_HUGGINGFACE);
            command.spawn().expect("gted can be started")
        })
        .collect();
    for pull in pulls {
        assert!(pull.wait_with_output().expect("it ends").status.success());
    }
    let requests = hub.take_requests();
    let weights = requests.iter().filter(|request| request.asks_for("/blob/"));
    assert_eq!(weights.count(), 1);
}

#[test]
fn a_mirror_without_checksums_is_used_with_a_warning() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    hub.set_faults(Faults::no_checksums());
    let output = run_pull(&sandbox, &hub, &[REPO, "--from", &hub.endpoint()]);
    assert!(
        output
            .stderr
            .contains("model.safetensors: the hub states no checksum"),
        "{output:?}"
    );
    let printed = output.success();
    let source = format!("from {}/{REPO}", hub.endpoint());
    assert!(printed.contains(&source), "{printed}");
    assert_matches_pytorch(&sandbox, "tiny");
}

#[test]
fn a_mirror_gets_no_token() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    hub.set_faults(Faults::no_checksums());
    run_pull(&sandbox, &hub, &[REPO, "--from", &hub.endpoint()]).success();
    for request in hub.take_requests() {
        assert!(
            !request.headers.contains_key("authorization"),
            "{request:?}"
        );
    }
}

#[test]
fn files_of_a_revision_are_requested_by_its_commit() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    let arguments = [REPO, "--from", "huggingface", "--revision", "refs/pr/1"];
    run_pull(&sandbox, &hub, &arguments).success();
    let requests = hub.take_requests();
    let first = &requests[0].line;
    assert!(
        first.contains("/resolve/refs%2Fpr%2F1/config.json"),
        "{first}"
    );
    for request in requests
        .iter()
        .filter(|request| request.line.contains("/resolve/"))
        .skip(1)
    {
        let (line, commit) = (&request.line, format!("/resolve/{COMMIT}/"));
        assert!(line.contains(&commit), "{line}");
    }
    let again = run_pull(&sandbox, &hub, &arguments).success();
    assert!(again.contains("installed already"), "{again}");
}

#[test]
fn json_events_describe_a_pull_line_by_line() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    let mut command = pull(&sandbox, &hub, &[REPO, "--json"]);
    command.env("MODELSCOPE_ENDPOINT", "http://127.0.0.1:9");
    let printed = Output::of(&mut command).success();
    let events: Vec<PullEvent> = printed
        .lines()
        .map(|line| serde_json::from_str(line).expect("an event"))
        .collect();
    assert!(
        matches!(&events[0], PullEvent::Failed { source, .. } if source == "modelscope:owner/tiny")
    );
    let size = hub.size("model.safetensors") as u64;
    let whole = PullEvent::Progress {
        file: "model.safetensors".to_owned(),
        size: Some(size),
        have: size,
    };
    assert!(events.contains(&whole), "{events:?}");
    assert_eq!(
        events.last(),
        Some(&PullEvent::Installed {
            name: "tiny".to_owned(),
            source: "huggingface:owner/tiny".to_owned(),
            already: false,
        })
    );
}
