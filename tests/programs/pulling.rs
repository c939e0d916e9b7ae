//! Pulling models from hubs, through the real client, from a hub on loopback.

use std::fs;
use std::process::{Child, Command};

use gte_tests::{COMMIT, Faults, Hub, Output, Place, Request, fixture, gted};
use serde_json::Value;

use crate::models::{copy, copy_folder, gives_pytorchs_values, leftovers};

const REPO: &str = "owner/tiny";

/// A command that pulls with both hubs at `hub`, and nothing else to be reached.
fn pull(place: &Place, hub: &Hub, arguments: &[&str]) -> Command {
    let mut command = place.command(gted());
    command
        .arg("pull")
        .args(arguments)
        .env("HF_ENDPOINT", hub.endpoint())
        .env("MODELSCOPE_ENDPOINT", hub.endpoint())
        .env("HF_TOKEN", "secret");
    command
}

fn run(mut command: Command) -> Output {
    let output = command.output().expect("gted can be started");
    Output {
        status: output.status,
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn from_huggingface(place: &Place, hub: &Hub) -> Output {
    run(pull(place, hub, &[REPO, "--from", "huggingface"]))
}

fn tiny() -> Hub {
    Hub::serving(&fixture("tiny-bert/hf"))
}

fn asks_for(request: &Request, path: &str) -> bool {
    request.line.contains(path) && request.line.starts_with("GET")
}

#[test]
fn from_hugging_face_with_the_token_for_the_hub_alone() {
    let place = Place::default();
    let hub = tiny();
    let output = from_huggingface(&place, &hub);
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
    let manifest = place
        .path()
        .join(".local/share/gte/models/tiny/manifest.json");
    let manifest: Value =
        serde_json::from_slice(&fs::read(manifest).expect("it is there")).expect("JSON");
    assert_eq!(manifest["origin"]["revision"], COMMIT);
    assert_eq!(leftovers(&place), ["tiny"]);

    let again = from_huggingface(&place, &hub).success();
    assert!(again.contains("installed already"), "{again}");
    assert_eq!(hub.requests().len(), 0);
    gives_pytorchs_values(&place, "tiny");
}

#[test]
fn from_modelscope_which_does_not_say_how_a_model_pools() {
    let place = Place::default();
    let hub = Hub::serving(&fixture("tiny-bert/modelscope"));
    let output = run(pull(&place, &hub, &["gte-small-zh"]));
    let printed = output.success();
    assert!(
        printed.contains("from modelscope:iic/nlp_gte_sentence-embedding_chinese-small"),
        "{printed}"
    );
    gives_pytorchs_values(&place, "gte-small-zh");

    // Not in the catalogue, so nobody says how it pools.
    let unknown = run(pull(&place, &hub, &[REPO, "--from", "modelscope"]));
    assert_eq!(unknown.code(), Some(1));
    assert!(
        unknown.stderr.contains("does not say how it pools"),
        "{unknown:?}"
    );
}

#[test]
fn a_source_that_fails_is_named_and_the_next_is_tried() {
    let place = Place::default();
    let hub = tiny();
    let mut command = pull(&place, &hub, &[REPO]);
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
fn a_download_that_breaks_is_gone_on_with() {
    let place = Place::default();
    let hub = tiny();
    let size = hub.size("model.safetensors");
    let mut have = 0;
    // At the first byte, within the header, between, before the last byte.
    for cut in [0, 1, 8, 1000, size / 2, size - 1] {
        hub.misbehave(Faults {
            // What a range begins with counts from there.
            cut_after: Some(cut - have),
            ..Faults::default()
        });
        let output = from_huggingface(&place, &hub);
        assert_eq!(output.code(), Some(1), "cut at {cut}");
        assert_eq!(
            place.gted(&["verify", "tiny"]).code(),
            Some(1),
            "it is not taken for a model"
        );
        let requests = hub.requests();
        let weights = requests
            .iter()
            .find(|request| asks_for(request, "/blob/model.safetensors"));
        let range = weights
            .expect("it was asked for")
            .headers
            .get("range")
            .cloned();
        assert_eq!(
            range,
            (have > 0).then(|| format!("bytes={have}-")),
            "cut at {cut}"
        );
        have = cut;
    }
    hub.misbehave(Faults::default());
    from_huggingface(&place, &hub).success();
    assert_eq!(leftovers(&place), ["tiny"]);
    gives_pytorchs_values(&place, "tiny");
}

#[test]
fn a_server_that_knows_no_ranges_is_asked_from_the_start() {
    let place = Place::default();
    let hub = tiny();
    hub.misbehave(Faults {
        cut_after: Some(5000),
        ..Faults::default()
    });
    assert_eq!(from_huggingface(&place, &hub).code(), Some(1));
    hub.misbehave(Faults {
        no_ranges: true,
        ..Faults::default()
    });
    from_huggingface(&place, &hub).success();
    gives_pytorchs_values(&place, "tiny");
}

#[test]
fn what_is_not_what_the_hub_states_is_thrown_away() {
    let place = Place::default();
    let hub = tiny();
    hub.misbehave(Faults {
        corrupt: true,
        ..Faults::default()
    });
    let output = from_huggingface(&place, &hub);
    assert_eq!(output.code(), Some(1));
    assert!(
        output
            .stderr
            .contains("model.safetensors is not what the hub states"),
        "{output:?}"
    );
    hub.misbehave(Faults::default());
    from_huggingface(&place, &hub).success();
    gives_pytorchs_values(&place, "tiny");
}

#[test]
fn what_a_hub_answers_is_told_in_words() {
    let place = Place::default();
    let hub = tiny();
    let status = |status| Faults {
        status: Some(status),
        ..Faults::default()
    };
    let cases = [
        (status(404), "is not there (404)"),
        (status(401), "without permission (401 or 403)"),
        (status(403), "without permission (401 or 403)"),
        (
            status(429),
            "too many requests for now (429); try again after 17 s",
        ),
        (status(500), "the server answers 500"),
        (
            Faults {
                web_page: true,
                ..Faults::default()
            },
            "is a web page and no file",
        ),
        (
            Faults {
                redirect_loop: true,
                ..Faults::default()
            },
            "is redirected without end",
        ),
    ];
    for (faults, words) in cases {
        hub.misbehave(faults);
        for from in ["huggingface", "modelscope"] {
            let output = run(pull(&place, &hub, &[REPO, "--from", from]));
            assert_eq!(output.code(), Some(1));
            assert!(output.stderr.contains(words), "{words}: {output:?}");
            assert!(!output.stderr.contains("secret"), "{output:?}");
        }
    }
    assert_eq!(leftovers(&place), Vec::<String>::new());
    hub.misbehave(Faults::default());
    from_huggingface(&place, &hub).success();
}

#[test]
fn another_architecture_is_found_out_before_its_weights_are_fetched() {
    let place = Place::default();
    let model = copy(&place, "tiny-bert/hf", "other");
    let config = fs::read_to_string(model.join("config.json")).expect("it is there");
    let config = config.replace("\"bert\"", "\"roberta\"");
    fs::write(model.join("config.json"), config).expect("a file can be written");
    let hub = Hub::serving(&model);
    let output = from_huggingface(&place, &hub);
    assert_eq!(output.code(), Some(1));
    assert!(
        output.stderr.contains("model_type is roberta"),
        "{output:?}"
    );
    assert!(!hub.requests().iter().any(|request| request.to_cdn));
}

#[test]
fn offline_nothing_is_asked_and_a_cache_is_used_where_it_is() {
    let place = Place::default();
    let hub = tiny();
    let offline = run(pull(&place, &hub, &[REPO, "--offline"]));
    assert_eq!(offline.code(), Some(1));
    assert!(
        offline.stderr.contains("the network is not to be used"),
        "{offline:?}"
    );
    let mut command = pull(&place, &hub, &[REPO]);
    command.env("HF_HUB_OFFLINE", "1");
    assert_eq!(run(command).code(), Some(1));

    let cache = place
        .path()
        .join(".cache/huggingface/hub/models--owner--tiny");
    fs::create_dir_all(cache.join("refs")).expect("a folder can be made");
    fs::create_dir_all(cache.join("snapshots")).expect("a folder can be made");
    fs::write(cache.join("refs/main"), COMMIT).expect("a file can be written");
    copy_folder(
        &fixture("tiny-bert/hf"),
        &cache.join("snapshots").join(COMMIT),
    );
    run(pull(&place, &hub, &[REPO, "--offline"])).success();
    assert_eq!(hub.requests().len(), 0, "and nothing was asked for");
    gives_pytorchs_values(&place, "tiny");
}

#[test]
fn a_folder_is_pulled_from_as_well() {
    let place = Place::default();
    let hub = tiny();
    let folder = fixture("tiny-bert/hf");
    let folder = folder.to_str().expect("UTF-8");
    run(pull(&place, &hub, &["tiny", "--from", folder])).success();
    assert_eq!(hub.requests().len(), 0);
    gives_pytorchs_values(&place, "tiny");
}

#[test]
fn two_pulls_at_once_do_the_work_once() {
    let place = Place::default();
    let hub = tiny();
    let pulls: Vec<Child> = (0..4)
        .map(|_| {
            let mut command = pull(&place, &hub, &[REPO, "--from", "huggingface"]);
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
fn what_is_no_models_name_is_refused_before_anything_is_asked() {
    let place = Place::default();
    let hub = tiny();
    for (name, words) in [
        ("nonsense", "there is no model nonsense"),
        ("owner/..", "cannot be a model's name"),
        ("owner/", "cannot be a model's name"),
    ] {
        let output = run(pull(&place, &hub, &[name]));
        assert_eq!(output.code(), Some(1));
        assert!(output.stderr.contains(words), "{output:?}");
    }
    assert_eq!(hub.requests().len(), 0);
}
