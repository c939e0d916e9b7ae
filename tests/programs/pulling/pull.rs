//! Pulls in a sandbox, with a hub on loopback.

use std::path::PathBuf;
use std::process::{Child, Command};

use gte_tests::{Faults, Hub, Output, Sandbox, fixture, gted, wait_until};

use crate::models::assert_matches_pytorch;

/// Repository of the tiny BERT on the hub.
pub(crate) const REPO: &str = "owner/tiny";

/// Arguments of a pull from Hugging Face.
pub(crate) const FROM_HUGGINGFACE: [&str; 3] = [REPO, "--from", "huggingface"];

/// Arguments of a pull from ModelScope.
pub(crate) const FROM_MODELSCOPE: [&str; 3] = [REPO, "--from", "modelscope"];

/// Command that runs `gted pull` with `hub` as the only hub.
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

/// Runs `gted pull` to its end.
pub(crate) fn run_pull(sandbox: &Sandbox, hub: &Hub, arguments: &[&str]) -> Output {
    Output::of(&mut pull(sandbox, hub, arguments))
}

/// Pulls the tiny BERT from Hugging Face.
pub(crate) fn from_huggingface(sandbox: &Sandbox, hub: &Hub) -> Output {
    run_pull(sandbox, hub, &FROM_HUGGINGFACE)
}

/// Pulls the tiny BERT from Hugging Face at this address with these variables.
pub(crate) fn pull_with(sandbox: &Sandbox, endpoint: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = sandbox.command(gted());
    command.arg("pull").args(FROM_HUGGINGFACE);
    command.env("HF_ENDPOINT", endpoint);
    command.envs(variables.iter().copied());
    Output::of(&mut command)
}

/// Pulls the tiny BERT from ModelScope.
pub(crate) fn from_modelscope(sandbox: &Sandbox, hub: &Hub) -> Output {
    run_pull(sandbox, hub, &FROM_MODELSCOPE)
}

/// Pulls from Hugging Face while the hub has these faults, asserts that the pull fails, and clears
/// the faults.
pub(crate) fn fails_with(sandbox: &Sandbox, hub: &Hub, faults: Faults) -> Output {
    hub.set_faults(faults);
    let output = from_huggingface(sandbox, hub);
    hub.clear_faults();
    assert_eq!(output.code(), Some(1), "{output:?}");
    output
}

/// Asserts that a pull from Hugging Face succeeds and installs the tiny BERT.
pub(crate) fn assert_installs(sandbox: &Sandbox, hub: &Hub) {
    from_huggingface(sandbox, hub).success();
    assert_matches_pytorch(sandbox, "tiny");
}

/// Starts a hub with the files of the tiny BERT.
pub(crate) fn tiny_hub() -> Hub {
    Hub::serving(&fixture("tiny-bert/hf"))
}

/// Range that the weights were requested with from the second server, since the last look.
pub(crate) fn requested_range(hub: &Hub) -> Option<String> {
    let requests = hub.take_requests();
    let weights = requests.iter().find(|request| request.to_cdn);
    let weights = weights.expect("the weights were requested");
    weights.headers.get("range").cloned()
}

/// Path of a partial file in the folder of an unfinished pull.
pub(crate) fn partial_file(sandbox: &Sandbox, source: &str, file: &str) -> PathBuf {
    sandbox
        .models()
        .join(format!(".tiny.{source}.download/{file}.part"))
}

/// Waits until a condition holds while a pull runs.
pub(crate) fn wait_during(pull: &mut Child, what: &str, mut condition: impl FnMut() -> bool) {
    wait_until(what, || {
        let running = pull.try_wait().expect("the pull is a child").is_none();
        assert!(running, "the pull ended by itself");
        condition()
    });
}

/// Kills a pull.
pub(crate) fn kill(mut pull: Child) {
    pull.kill().expect("the pull can be killed");
    pull.wait().expect("the pull ends");
}
