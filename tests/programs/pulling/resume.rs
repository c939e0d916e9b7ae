//! Broken downloads: the next pull resumes them, or discards what is wrong.

use std::fs;

use gte_tests::{Faults, Hub, Sandbox, fixture};

use super::pull::{
    FROM_HUGGINGFACE, REPO, assert_installs, fails_with, from_huggingface, kill, partial_file,
    pull, requested_range, run_pull, tiny_hub, wait_during,
};
use crate::models::{assert_matches_pytorch, copy_fixture, installed_entries};

#[test]
fn a_broken_download_is_resumed_where_it_broke() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    let size = hub.size("model.safetensors");
    let mut have = 0;
    // At the first byte, in the header, in the middle, before the last byte.
    for cut in [0, 1, 8, 1000, size / 2, size - 1] {
        fails_with(&sandbox, &hub, Faults::cut_at(cut));
        let verified = sandbox.gted(&["verify", "tiny"]);
        assert_eq!(
            verified.code(),
            Some(1),
            "a partial download is not a model"
        );
        let requests = hub.take_requests();
        let weights = requests
            .iter()
            .find(|request| request.asks_for("/blob/model.safetensors"));
        let weights = weights.expect("the weights were requested");
        let range = weights.headers.get("range").cloned();
        let expected = (have > 0).then(|| format!("bytes={have}-"));
        assert_eq!(range, expected, "cut at {cut}");
        have = cut;
    }
    from_huggingface(&sandbox, &hub).success();
    assert_eq!(installed_entries(&sandbox), ["tiny"]);
    assert_matches_pytorch(&sandbox, "tiny");
}

#[test]
fn without_ranges_a_download_starts_anew() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    fails_with(&sandbox, &hub, Faults::cut_at(5000));
    hub.set_faults(Faults {
        no_ranges: true,
        ..Faults::default()
    });
    assert_installs(&sandbox, &hub);
}

#[test]
fn a_file_with_a_wrong_checksum_is_discarded() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    let corrupt = Faults {
        corrupt: true,
        ..Faults::default()
    };
    let output = fails_with(&sandbox, &hub, corrupt);
    assert!(
        output
            .stderr
            .contains("model.safetensors: checksum mismatch"),
        "{output:?}"
    );
    assert_installs(&sandbox, &hub);
}

#[test]
fn a_file_longer_than_stated_is_refused() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    let too_long = Faults {
        too_long: 1 << 20,
        ..Faults::default()
    };
    let output = fails_with(&sandbox, &hub, too_long);
    assert!(output.stderr.contains("has more than the"), "{output:?}");
    assert_installs(&sandbox, &hub);
}

#[test]
fn a_pull_retries_while_each_connection_makes_progress() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    hub.set_faults(Faults {
        cut_each: Some(hub.size("model.safetensors") / 3),
        ..Faults::default()
    });
    assert_installs(&sandbox, &hub);
}

#[test]
fn a_partial_download_outlasts_an_attempt_at_the_other_hub() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    let half = hub.size("model.safetensors") / 2;
    hub.set_faults(Faults::cut_at(half));
    // Both hubs are reachable, and both connections break in the middle.
    assert_eq!(run_pull(&sandbox, &hub, &[REPO]).code(), Some(1));
    drop(hub.take_requests());
    hub.clear_faults();
    run_pull(&sandbox, &hub, &[REPO]).success();
    let requests = hub.take_requests();
    let weights: Vec<_> = requests.iter().filter(|request| request.to_cdn).collect();
    assert_eq!(weights.len(), 1);
    assert_eq!(weights[0].headers["range"], format!("bytes={half}-"));
    assert_eq!(installed_entries(&sandbox), ["tiny"]);
}

#[test]
fn a_download_can_be_resumed_after_any_byte() {
    // Several sandboxes at a time, each of which resumes its own download.
    const SANDBOXES: usize = 8;
    std::thread::scope(|scope| {
        for first in 0..SANDBOXES {
            scope.spawn(move || breaks_at_every_byte(first, SANDBOXES));
        }
    });
}

/// Breaks a pull at every `step`th byte from `first` on. The weights are as short as possible: a
/// header of which every byte matters, and one value.
fn breaks_at_every_byte(first: usize, step: usize) {
    let sandbox = Sandbox::default();
    let model = copy_fixture(&sandbox, "tiny-bert/hf", "model");
    let hub = Hub::serving(&model);
    let header = br#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let length = u64::try_from(header.len()).expect("the header is short");
    let weights = [&length.to_le_bytes()[..], header, &[0; 4]].concat();
    let size = weights.len();
    hub.change("model.safetensors", weights);
    for cut in (first..size).step_by(step) {
        let output = fails_with(&sandbox, &hub, Faults::cut_at(cut));
        let mut words = output.stderr.lines().rev();
        let message = words.find(|line| !line.starts_with("hint: "));
        let message = message.expect("gted prints a message");
        assert!(message.starts_with("gted: "), "{message}");
        let left = [".tiny.huggingface.download"];
        assert_eq!(installed_entries(&sandbox), left, "cut at {cut}");
    }
    // The complete download turns out not to be a model, and is discarded.
    let output = from_huggingface(&sandbox, &hub);
    assert!(output.stderr.contains("the weights lack"), "{output:?}");
    assert_eq!(installed_entries(&sandbox), Vec::<String>::new());
    let good = fs::read(model.join("model.safetensors")).expect("the weights exist");
    hub.change("model.safetensors", good);
    assert_installs(&sandbox, &hub);
}

#[test]
fn a_killed_pull_is_resumed() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    hub.set_faults(Faults::cut_at(7000));
    // Killed while it waits to reconnect after the connection broke.
    let mut child = pull(&sandbox, &hub, &FROM_HUGGINGFACE)
        .spawn()
        .expect("gted can be started");
    let part = partial_file(&sandbox, "huggingface", "model.safetensors");
    wait_during(&mut child, "7,000 bytes", || {
        fs::metadata(&part).map_or(0, |part| part.len()) >= 7000
    });
    kill(child);
    hub.clear_faults();
    drop(hub.take_requests());
    from_huggingface(&sandbox, &hub).success();
    assert_eq!(requested_range(&hub).as_deref(), Some("bytes=7000-"));
    assert_matches_pytorch(&sandbox, "tiny");
}

#[test]
fn a_complete_file_that_was_not_checked_is_not_fetched_again() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    let size = hub.size("model.safetensors");
    fails_with(&sandbox, &hub, Faults::cut_at(size - 1));
    // The state of a pull that was killed between the last byte and the check.
    let part = partial_file(&sandbox, "huggingface", "model.safetensors");
    fs::copy(fixture("tiny-bert/hf/model.safetensors"), &part).expect("a file can be copied");
    drop(hub.take_requests());
    from_huggingface(&sandbox, &hub).success();
    let requests = hub.take_requests();
    assert!(
        !requests
            .iter()
            .any(|request| request.asks_for("model.safetensors"))
    );
    assert_matches_pytorch(&sandbox, "tiny");
}
