//! Pulling models from hubs, through the real client, from a hub on loopback.

mod broken;
mod refused;

use std::fs;
use std::process::{Child, Command};

use gte_shared::models::PullEvent;
use gte_tests::{COMMIT, Faults, Hub, Output, Request, Sandbox, fixture, gted};
use serde_json::Value;

use crate::models::{copy_folder, gives_pytorchs_values, leftovers};

pub(crate) const REPO: &str = "owner/tiny";

/// A command that pulls with both hubs at `hub`, and nothing else to be reached.
pub(crate) fn pull(sandbox: &Sandbox, hub: &Hub, arguments: &[&str]) -> Command {
    let mut command = sandbox.command(gted());
    command
        .arg("pull")
        .args(arguments)
        .env("HF_ENDPOINT", hub.endpoint())
        .env("MODELSCOPE_ENDPOINT", hub.endpoint())
        .env("HF_TOKEN", "secret");
    command
}

pub(crate) fn run(mut command: Command) -> Output {
    let output = command.output().expect("gted can be started");
    Output {
        status: output.status,
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub(crate) fn from_huggingface(sandbox: &Sandbox, hub: &Hub) -> Output {
    run(pull(sandbox, hub, &[REPO, "--from", "huggingface"]))
}

pub(crate) fn tiny() -> Hub {
    Hub::serving(&fixture("tiny-bert/hf"))
}

pub(crate) fn asks_for(request: &Request, path: &str) -> bool {
    request.line.contains(path) && request.line.starts_with("GET")
}

#[test]
fn from_hugging_face_with_the_token_for_the_hub_alone() {
    let sandbox = Sandbox::default();
    let hub = tiny();
    let output = from_huggingface(&sandbox, &hub);
    assert!(
        output
            .success()
            .contains("tiny is installed, from huggingface:owner/tiny")
    );
    let requests = hub.requests();
    for request in &requests {
        let token = request.headers.contains_key("authorization");
        assert_eq!(token, !request.to_cdn, "{request:?}");
    }
    assert!(requests.iter().any(|request| request.to_cdn));
    let manifest = sandbox
        .path()
        .join(".local/share/gte/models/tiny/manifest.json");
    let manifest: Value =
        serde_json::from_slice(&fs::read(manifest).expect("it is there")).expect("JSON");
    assert_eq!(manifest["origin"]["revision"], COMMIT);
    assert_eq!(leftovers(&sandbox), ["tiny"]);

    let again = from_huggingface(&sandbox, &hub).success();
    assert!(again.contains("installed already"), "{again}");
    assert_eq!(hub.requests().len(), 0);
    gives_pytorchs_values(&sandbox, "tiny");
}

#[test]
fn from_modelscope_which_does_not_say_how_a_model_pools() {
    let sandbox = Sandbox::default();
    let hub = Hub::serving(&fixture("tiny-bert/modelscope"));
    let output = run(pull(&sandbox, &hub, &["gte-small-zh"]));
    let printed = output.success();
    assert!(
        printed.contains("from modelscope:iic/nlp_gte_sentence-embedding_chinese-small"),
        "{printed}"
    );
    gives_pytorchs_values(&sandbox, "gte-small-zh");

    // Not in the catalogue, so nobody says how it pools, which is found out before its weights are
    // fetched; unless the user does.
    drop(hub.requests());
    let unknown = run(pull(&sandbox, &hub, &[REPO, "--from", "modelscope"]));
    assert_eq!(unknown.code(), Some(1));
    assert!(unknown.stderr.contains("--pooling cls"), "{unknown:?}");
    assert!(!hub.requests().iter().any(|request| request.to_cdn));
    let told = [REPO, "--from", "modelscope", "--pooling", "cls"];
    run(pull(&sandbox, &hub, &told)).success();
    gives_pytorchs_values(&sandbox, "tiny");
}

#[test]
fn a_source_that_fails_is_named_and_the_next_is_tried() {
    let sandbox = Sandbox::default();
    let hub = tiny();
    let mut command = pull(&sandbox, &hub, &[REPO]);
    // Nobody listens there.
    command.env("MODELSCOPE_ENDPOINT", "http://127.0.0.1:9");
    let output = run(command);
    let words = output.stderr.clone();
    assert!(
        words.contains("not from modelscope:owner/tiny: 127.0.0.1:9 cannot be reached"),
        "{words}"
    );
    assert!(output.success().contains("huggingface:owner/tiny"));
}

#[test]
fn offline_nothing_is_asked_and_a_cache_is_used_where_it_is() {
    let sandbox = Sandbox::default();
    let hub = tiny();
    let offline = run(pull(&sandbox, &hub, &[REPO, "--offline"]));
    assert_eq!(offline.code(), Some(1));
    assert!(
        offline.stderr.contains("the network is not to be used"),
        "{offline:?}"
    );
    let mut command = pull(&sandbox, &hub, &[REPO]);
    command.env("HF_HUB_OFFLINE", "1");
    assert_eq!(run(command).code(), Some(1));

    let cache = sandbox
        .path()
        .join(".cache/huggingface/hub/models--owner--tiny");
    fs::create_dir_all(cache.join("refs")).expect("a folder can be made");
    fs::create_dir_all(cache.join("snapshots")).expect("a folder can be made");
    fs::write(cache.join("refs/main"), COMMIT).expect("a file can be written");
    copy_folder(
        &fixture("tiny-bert/hf"),
        &cache.join("snapshots").join(COMMIT),
    );
    run(pull(&sandbox, &hub, &[REPO, "--offline"])).success();
    assert_eq!(hub.requests().len(), 0, "and nothing was asked for");
    gives_pytorchs_values(&sandbox, "tiny");
}

#[test]
fn a_folder_is_pulled_from_as_well() {
    let sandbox = Sandbox::default();
    let hub = tiny();
    let folder = fixture("tiny-bert/hf");
    let folder = folder.to_str().expect("UTF-8");
    run(pull(&sandbox, &hub, &["tiny", "--from", folder])).success();
    assert_eq!(hub.requests().len(), 0);
    gives_pytorchs_values(&sandbox, "tiny");
}

#[test]
fn two_pulls_at_once_do_the_work_once() {
    let sandbox = Sandbox::default();
    let hub = tiny();
    let pulls: Vec<Child> = (0..4)
        .map(|_| {
            let mut command = pull(&sandbox, &hub, &[REPO, "--from", "huggingface"]);
            command.spawn().expect("gted can be started")
        })
        .collect();
    for pull in pulls {
        assert!(pull.wait_with_output().expect("it ends").status.success());
    }
    let requests = hub.requests();
    let weights = requests
        .iter()
        .filter(|request| asks_for(request, "/blob/"));
    assert_eq!(weights.count(), 1);
}

#[test]
fn a_mirror_without_checksums_is_used_and_said_to_be_one() {
    let sandbox = Sandbox::default();
    let hub = tiny();
    hub.misbehave(Faults {
        no_checksums: true,
        ..Faults::default()
    });
    let output = run(pull(&sandbox, &hub, &[REPO, "--from", &hub.endpoint()]));
    assert!(
        output
            .stderr
            .contains("model.safetensors: the hub states no checksum"),
        "{output:?}"
    );
    let printed = output.success();
    let source = format!("from {}/{REPO}", hub.endpoint());
    assert!(printed.contains(&source), "{printed}");
    for request in hub.requests() {
        assert!(
            !request.headers.contains_key("authorization"),
            "{request:?}"
        );
    }
    gives_pytorchs_values(&sandbox, "tiny");
}

#[test]
fn a_revision_is_asked_for_by_its_name_and_files_by_the_commit_it_is() {
    let sandbox = Sandbox::default();
    let hub = tiny();
    let arguments = [REPO, "--from", "huggingface", "--revision", "refs/pr/1"];
    run(pull(&sandbox, &hub, &arguments)).success();
    let requests = hub.requests();
    assert!(
        requests[0]
            .line
            .contains("/resolve/refs%2Fpr%2F1/config.json")
    );
    for request in requests
        .iter()
        .filter(|request| request.line.contains("/resolve/"))
        .skip(1)
    {
        let (line, commit) = (&request.line, format!("/resolve/{COMMIT}/"));
        assert!(line.contains(&commit), "{line}");
    }
    let again = run(pull(&sandbox, &hub, &arguments)).success();
    assert!(again.contains("installed already"), "{again}");
}

#[test]
fn modelscopes_cache_is_found_where_its_client_puts_a_name_with_a_dot() {
    let sandbox = Sandbox::default();
    let hub = tiny();
    let cache = sandbox.path().join(".cache/modelscope/hub/models");
    // An empty folder of another client comes first.
    fs::create_dir_all(cache.join("BAAI/bge-base-zh-v1.5")).expect("a folder can be made");
    copy_folder(
        &fixture("tiny-bert/hf"),
        &cache.join("BAAI/bge-base-zh-v1___5"),
    );
    let output = run(pull(&sandbox, &hub, &["bge-base-zh-v1.5", "--offline"]));
    let printed = output.success();
    assert!(
        printed.contains("from modelscope:BAAI/bge-base-zh-v1.5"),
        "{printed}"
    );
    gives_pytorchs_values(&sandbox, "bge-base-zh-v1.5");
    // Nobody knows which revision that is.
    sandbox.gted(&["remove", "bge-base-zh-v1.5"]).success();
    let revision = ["bge-base-zh-v1.5", "--offline", "--revision", "v1"];
    assert_eq!(run(pull(&sandbox, &hub, &revision)).code(), Some(1));
    assert_eq!(hub.requests().len(), 0);
}

#[test]
fn a_proxy_of_the_environment_is_used() {
    let sandbox = Sandbox::default();
    // Stands in for the proxy: it is asked for another server's files by their whole address.
    let hub = tiny();
    let mut command = sandbox.command(gted());
    command
        .args(["pull", REPO, "--from", "huggingface"])
        .env("HF_ENDPOINT", "http://hub.invalid")
        .env("http_proxy", hub.endpoint())
        .env("HTTP_PROXY", hub.endpoint());
    assert_eq!(run(command).code(), Some(1));
    let requests = hub.requests();
    assert!(!requests.is_empty());
    for request in requests {
        let line = &request.line;
        assert!(
            line.contains("http://hub.invalid/") || line.starts_with("CONNECT hub.invalid"),
            "{line}"
        );
    }
}

#[test]
fn programs_are_told_what_happens_line_by_line() {
    let sandbox = Sandbox::default();
    let hub = tiny();
    let mut command = pull(&sandbox, &hub, &[REPO, "--json"]);
    command.env("MODELSCOPE_ENDPOINT", "http://127.0.0.1:9");
    let printed = run(command).success();
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
