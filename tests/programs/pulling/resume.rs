//! Pulls that break, and what the next one makes of it.

use std::fs;

use gte_tests::{Faults, Hub, Sandbox, fixture, wait_until};

use super::{REPO, asks_for, from_huggingface, pull, run, tiny};
use crate::models::{copy, gives_pytorchs_values, leftovers};

#[test]
fn a_download_that_breaks_is_gone_on_with() {
    let sandbox = Sandbox::default();
    let hub = tiny();
    let size = hub.size("model.safetensors");
    let mut have = 0;
    // At the first byte, within the header, between, before the last byte.
    for cut in [0, 1, 8, 1000, size / 2, size - 1] {
        hub.misbehave(Faults {
            cut_at: Some(cut),
            ..Faults::default()
        });
        let output = from_huggingface(&sandbox, &hub);
        assert_eq!(output.code(), Some(1), "cut at {cut}");
        assert_eq!(
            sandbox.gted(&["verify", "tiny"]).code(),
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
    from_huggingface(&sandbox, &hub).success();
    assert_eq!(leftovers(&sandbox), ["tiny"]);
    gives_pytorchs_values(&sandbox, "tiny");
}

#[test]
fn a_server_that_knows_no_ranges_is_asked_from_the_start() {
    let sandbox = Sandbox::default();
    let hub = tiny();
    hub.misbehave(Faults {
        cut_at: Some(5000),
        ..Faults::default()
    });
    assert_eq!(from_huggingface(&sandbox, &hub).code(), Some(1));
    hub.misbehave(Faults {
        no_ranges: true,
        ..Faults::default()
    });
    from_huggingface(&sandbox, &hub).success();
    gives_pytorchs_values(&sandbox, "tiny");
}

#[test]
fn what_is_not_what_the_hub_states_is_thrown_away() {
    let sandbox = Sandbox::default();
    let hub = tiny();
    hub.misbehave(Faults {
        corrupt: true,
        ..Faults::default()
    });
    let output = from_huggingface(&sandbox, &hub);
    assert_eq!(output.code(), Some(1));
    assert!(
        output
            .stderr
            .contains("model.safetensors: checksum mismatch"),
        "{output:?}"
    );
    hub.misbehave(Faults::default());
    from_huggingface(&sandbox, &hub).success();
    gives_pytorchs_values(&sandbox, "tiny");
}

#[test]
fn a_line_that_breaks_again_and_again_still_gets_the_model_there() {
    let sandbox = Sandbox::default();
    let hub = tiny();
    hub.misbehave(Faults {
        cut_each: Some(hub.size("model.safetensors") / 3),
        ..Faults::default()
    });
    from_huggingface(&sandbox, &hub).success();
    gives_pytorchs_values(&sandbox, "tiny");
}

#[test]
fn what_one_hub_has_given_stays_while_the_other_is_tried() {
    let sandbox = Sandbox::default();
    let hub = tiny();
    let size = hub.size("model.safetensors");
    hub.misbehave(Faults {
        cut_at: Some(size / 2),
        ..Faults::default()
    });
    // Both hubs are there, and both break in the middle.
    assert_eq!(run(pull(&sandbox, &hub, &[REPO])).code(), Some(1));
    drop(hub.requests());
    hub.misbehave(Faults::default());
    run(pull(&sandbox, &hub, &[REPO])).success();
    let requests = hub.requests();
    let weights: Vec<_> = requests.iter().filter(|request| request.to_cdn).collect();
    assert_eq!(weights.len(), 1);
    assert_eq!(weights[0].headers["range"], format!("bytes={}-", size / 2));
    assert_eq!(leftovers(&sandbox), ["tiny"]);
}

#[test]
fn a_repository_that_changes_meanwhile_is_not_mixed_up() {
    let sandbox = Sandbox::default();
    let hub = tiny();
    let weights = fs::read(fixture("tiny-bert/hf/model.safetensors")).expect("it is there");
    let mut other = weights.clone();
    // The last number of the last tensor.
    *other.last_mut().expect("it has bytes") ^= 1;
    hub.change("model.safetensors", other);
    hub.misbehave(Faults {
        cut_at: Some(5000),
        ..Faults::default()
    });
    // ModelScope's revision has the same name before and after.
    let from_modelscope = || run(pull(&sandbox, &hub, &[REPO, "--from", "modelscope"]));
    assert_eq!(from_modelscope().code(), Some(1));
    hub.change("model.safetensors", weights.clone());
    let tokenizer = fs::read_to_string(fixture("tiny-bert/hf/tokenizer.json")).expect("there");
    hub.change("tokenizer.json", format!("{tokenizer}\n").into_bytes());
    hub.misbehave(Faults::default());
    from_modelscope().success();
    gives_pytorchs_values(&sandbox, "tiny");
    let installed = sandbox
        .path()
        .join(".local/share/gte/models/tiny/tokenizer.json");
    let installed = fs::read_to_string(installed).expect("it is there");
    assert!(installed.ends_with('\n'), "the newer one");
}

#[test]
fn every_byte_boundary_of_a_small_file_can_be_the_last() {
    // Several at a time, each going on from where it broke before.
    const AT_ONCE: usize = 8;
    std::thread::scope(|scope| {
        for first in 0..AT_ONCE {
            scope.spawn(move || breaks_at_every_byte(first, AT_ONCE));
        }
    });
}

/// Breaks a pull at every so many bytes of the weights, which are in their shortest form: a header of
/// which every byte matters, and one number.
fn breaks_at_every_byte(first: usize, step: usize) {
    let sandbox = Sandbox::default();
    let model = copy(&sandbox, "tiny-bert/hf", "model");
    let hub = Hub::serving(&model);
    let header = br#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let length = u64::try_from(header.len()).expect("it fits");
    let weights = [&length.to_le_bytes()[..], header, &[0; 4]].concat();
    let size = weights.len();
    hub.change("model.safetensors", weights);
    for cut in (first..size).step_by(step) {
        hub.misbehave(Faults {
            cut_at: Some(cut),
            ..Faults::default()
        });
        let output = from_huggingface(&sandbox, &hub);
        assert_eq!(output.code(), Some(1), "cut at {cut}");
        let mut words = output.stderr.lines().rev();
        let message = words.find(|line| !line.starts_with("hint: "));
        let message = message.expect("it says why");
        assert!(message.starts_with("gted: "), "{message}");
        let left = [".tiny.huggingface.download"];
        assert_eq!(leftovers(&sandbox), left, "cut at {cut}");
    }
    // Whole at last, and then it is seen that it is no model; what came is thrown away.
    hub.misbehave(Faults::default());
    let output = from_huggingface(&sandbox, &hub);
    assert!(output.stderr.contains("the weights lack"), "{output:?}");
    assert_eq!(leftovers(&sandbox), Vec::<String>::new());
    let good = fs::read(model.join("model.safetensors")).expect("it is there");
    hub.change("model.safetensors", good);
    from_huggingface(&sandbox, &hub).success();
    gives_pytorchs_values(&sandbox, "tiny");
}

#[test]
fn a_file_longer_than_stated_is_not_read_to_its_end() {
    let sandbox = Sandbox::default();
    let hub = tiny();
    hub.misbehave(Faults {
        too_long: 1 << 20,
        ..Faults::default()
    });
    let output = from_huggingface(&sandbox, &hub);
    assert_eq!(output.code(), Some(1));
    assert!(output.stderr.contains("has more than the"), "{output:?}");
    hub.misbehave(Faults::default());
    from_huggingface(&sandbox, &hub).success();
    gives_pytorchs_values(&sandbox, "tiny");
}

#[test]
fn a_pull_killed_in_the_middle_is_gone_on_with() {
    let sandbox = Sandbox::default();
    let hub = tiny();
    hub.misbehave(Faults {
        cut_at: Some(7000),
        ..Faults::default()
    });
    // Killed while it waits to connect anew after the connection broke.
    let mut child = pull(&sandbox, &hub, &[REPO, "--from", "huggingface"])
        .spawn()
        .expect("it starts");
    let part = sandbox
        .path()
        .join(".local/share/gte/models/.tiny.huggingface.download/model.safetensors.part");
    wait_until("7,000 bytes", || {
        let running = child.try_wait().expect("it is a child").is_none();
        assert!(running, "it ended by itself");
        fs::metadata(&part).map_or(0, |part| part.len()) >= 7000
    });
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    hub.misbehave(Faults::default());
    drop(hub.requests());
    from_huggingface(&sandbox, &hub).success();
    let requests = hub.requests();
    let weights = requests
        .iter()
        .find(|request| request.to_cdn)
        .expect("it was asked for");
    assert_eq!(weights.headers["range"], "bytes=7000-");
    gives_pytorchs_values(&sandbox, "tiny");
}

#[test]
fn a_file_that_is_whole_but_was_not_checked_yet_is_not_fetched_again() {
    let sandbox = Sandbox::default();
    let hub = tiny();
    let size = hub.size("model.safetensors");
    hub.misbehave(Faults {
        cut_at: Some(size - 1),
        ..Faults::default()
    });
    assert_eq!(from_huggingface(&sandbox, &hub).code(), Some(1));
    hub.misbehave(Faults::default());
    // As if it had been killed between the last byte and the check.
    let part = sandbox
        .path()
        .join(".local/share/gte/models/.tiny.huggingface.download/model.safetensors.part");
    fs::copy(fixture("tiny-bert/hf/model.safetensors"), &part).expect("a file can be copied");
    drop(hub.requests());
    from_huggingface(&sandbox, &hub).success();
    let weights = |request: &gte_tests::Request| asks_for(request, "model.safetensors");
    assert!(!hub.requests().iter().any(weights));
    gives_pytorchs_values(&sandbox, "tiny");
}

#[test]
fn what_the_repository_has_no_more_is_not_installed() {
    let sandbox = Sandbox::default();
    let hub = tiny();
    hub.misbehave(Faults {
        cut_at: Some(5000),
        ..Faults::default()
    });
    let from_modelscope = || run(pull(&sandbox, &hub, &[REPO, "--from", "modelscope"]));
    assert_eq!(from_modelscope().code(), Some(1));
    // Another form of weights and a further stage, which an attempt at an older revision has left.
    let download = sandbox
        .path()
        .join(".local/share/gte/models/.tiny.modelscope.download");
    fs::write(download.join("pytorch_model.bin"), "old").expect("a file can be written");
    fs::write(download.join("modules.json"), r#"[{"type":"Dense"}]"#).expect("written");
    hub.misbehave(Faults::default());
    from_modelscope().success();
    gives_pytorchs_values(&sandbox, "tiny");
}

#[test]
fn what_the_user_forgot_to_say_does_not_cost_the_download() {
    let sandbox = Sandbox::default();
    let hub = Hub::serving(&fixture("tiny-bert/modelscope"));
    hub.misbehave(Faults {
        cut_at: Some(9000),
        ..Faults::default()
    });
    let told = [REPO, "--from", "modelscope", "--pooling", "cls"];
    assert_eq!(run(pull(&sandbox, &hub, &told)).code(), Some(1));
    hub.misbehave(Faults::default());
    let untold = run(pull(&sandbox, &hub, &told[..3]));
    assert!(untold.stderr.contains("--pooling"), "{untold:?}");
    drop(hub.requests());
    run(pull(&sandbox, &hub, &told)).success();
    let requests = hub.requests();
    let weights = requests.iter().find(|request| request.to_cdn);
    assert_eq!(
        weights.expect("it is asked for").headers["range"],
        "bytes=9000-"
    );

    // What is left of an unfinished pull can be cleared away, but not under one that is at work.
    sandbox.gted(&["remove", "tiny"]).success();
    hub.misbehave(Faults {
        cut_at: Some(9000),
        ..Faults::default()
    });
    let mut child = pull(&sandbox, &hub, &told).spawn().expect("it starts");
    let part = sandbox
        .path()
        .join(".local/share/gte/models/.tiny.modelscope.download/pytorch_model.bin.part");
    wait_until("the beginning of the file", || {
        let running = child.try_wait().expect("it is a child").is_none();
        assert!(running, "it ended by itself");
        part.exists()
    });
    let busy = sandbox.gted(&["remove", "tiny"]);
    assert!(
        busy.stderr.contains("another gted is pulling tiny"),
        "{busy:?}"
    );
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    let staging = sandbox.path().join(".local/share/gte/models/.tiny.new");
    fs::create_dir(staging).expect("a folder can be made");
    sandbox.gted(&["remove", "tiny"]).success();
    assert_eq!(leftovers(&sandbox), Vec::<String>::new());
    assert_eq!(
        sandbox.gted(&["remove", "tiny"]).code(),
        Some(1),
        "nothing is left"
    );
}
