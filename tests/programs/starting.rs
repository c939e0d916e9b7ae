//! Start of a daemon: one per socket, whoever starts it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Child;

use gte_shared::endpoint::MAX_SOCKET_PATH_BYTES;
use gte_tests::{
    Daemon, GOLDEN_A, GOLDEN_B, Output, Sandbox, fixture, has_golden_score, wait_until,
};
use rustix::process::{Pid, Signal, kill_process};

use crate::models::utf8;

const PAIR: [&str; 3] = ["sim", GOLDEN_A, GOLDEN_B];

/// Process id of the daemon that answers in a sandbox.
pub(crate) fn daemon_pid(sandbox: &Sandbox) -> u64 {
    let status = sandbox.run(&["status", "--json"]).json();
    status["pid"].as_u64().expect("a process id")
}

/// Permission bits of a file.
fn mode(path: impl AsRef<Path>) -> u32 {
    fs::metadata(path)
        .expect("the file exists")
        .permissions()
        .mode()
        & 0o777
}

#[test]
fn twenty_clients_at_once_start_one_daemon() {
    let sandbox = Sandbox::default();
    let clients: Vec<Child> = (0..20)
        .map(|_| sandbox.gte(&PAIR).spawn().expect("gte can be started"))
        .collect();
    for client in clients {
        let output = client.wait_with_output().expect("gte ends");
        assert!(output.status.success(), "{output:?}");
        assert!(has_golden_score(&String::from_utf8_lossy(&output.stdout)));
    }
    let pid = daemon_pid(&sandbox);
    // Daemons that lost the race may take a moment to end, and no client waits for them.
    wait_until("the end of all daemons but one", || {
        let daemons = daemons(&sandbox);
        assert!(daemons.contains(&pid), "{pid} answers, but {daemons:?} run");
        daemons.len() == 1
    });
}

/// Process ids of the daemons that run for the socket of a sandbox.
pub(crate) fn daemons(sandbox: &Sandbox) -> Vec<u64> {
    let socket = sandbox.socket().to_string_lossy().into_owned();
    let processes = fs::read_dir("/proc").expect("/proc exists").flatten();
    processes
        .filter_map(|process| {
            let pid = process.file_name().to_string_lossy().parse().ok()?;
            let command = fs::read(process.path().join("cmdline")).ok()?;
            let command = String::from_utf8_lossy(&command);
            (command.contains("serve") && command.contains(&socket)).then_some(pid)
        })
        .collect()
}

#[test]
fn a_killed_daemon_leaves_a_socket_that_is_replaced() {
    let sandbox = Sandbox::default();
    sandbox.run(&PAIR).success();
    let pid = daemon_pid(&sandbox);
    let process = Pid::from_raw(i32::try_from(pid).expect("a process id is small"));
    kill_process(process.expect("not 0"), Signal::KILL).expect("a signal can be sent");
    assert!(
        sandbox.socket().exists(),
        "a killed daemon cannot remove it"
    );
    sandbox.run(&PAIR).success();
    assert_ne!(daemon_pid(&sandbox), pid);
}

#[test]
fn a_second_daemon_says_so_and_exits_with_3() {
    let sandbox = Sandbox::default();
    let _first = Daemon::start(&sandbox, &[]);
    let output = sandbox.gted(&["serve"]);
    assert_eq!(output.code(), Some(3));
    assert!(output.stderr.contains("already running"), "{output:?}");
    sandbox.run(&PAIR).success();
}

#[test]
fn the_socket_and_its_folder_are_the_owners_alone() {
    let sandbox = Sandbox::default();
    let folder = sandbox.path().join("folder");
    let socket = folder.join("s");
    let _daemon = Daemon::start(&sandbox, &["--socket", utf8(&socket)]);
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(&folder), 0o700);
}

/// Runs `gte` without a socket or a runtime folder in its environment.
fn run_without_socket(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    let mut command = sandbox.gte(arguments);
    command
        .env_remove("GTE_SOCKET")
        .env("TMPDIR", sandbox.path());
    Output::of(&mut command)
}

/// Path of the folder that has this user's socket if no runtime folder exists.
fn user_folder(sandbox: &Sandbox) -> PathBuf {
    let user = rustix::process::getuid().as_raw();
    sandbox.path().join(format!("gte-{user}"))
}

#[test]
fn without_a_runtime_folder_the_socket_is_still_private() {
    let sandbox = Sandbox::default();
    run_without_socket(&sandbox, &PAIR).success();
    let folder = user_folder(&sandbox);
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(folder.join("gted.sock")), 0o600);
    run_without_socket(&sandbox, &["stop"]).success();
}

#[test]
fn a_socket_folder_open_to_other_users_is_refused() {
    let sandbox = Sandbox::default();
    let folder = user_folder(&sandbox);
    fs::create_dir(&folder).expect("a folder can be created");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("the folder is ours");
    let output = run_without_socket(&sandbox, &PAIR);
    assert_eq!(output.code(), Some(1));
    assert!(
        output.stderr.contains("is open to other users"),
        "{output:?}"
    );
}

#[test]
fn a_file_in_the_sockets_place_is_kept() {
    let sandbox = Sandbox::default();
    fs::write(sandbox.socket(), "precious").expect("a file can be written");
    let output = sandbox.run(&PAIR);
    assert_eq!(output.code(), Some(1));
    // The client or the daemon that it starts reports the file.
    assert!(
        output.stderr.contains("exists and is not a socket"),
        "{output:?}"
    );
    let content = fs::read_to_string(sandbox.socket()).expect("the file still exists");
    assert_eq!(content, "precious");
    fs::remove_file(sandbox.socket()).expect("a file can be removed");
}

#[test]
fn no_start_starts_no_daemon() {
    let sandbox = Sandbox::default();
    let mut arguments = PAIR.to_vec();
    arguments.push("--no-start");
    let output = sandbox.run(&arguments);
    assert_eq!(output.code(), Some(1));
    assert!(output.stderr.contains("no daemon is running"), "{output:?}");
    assert!(output.stderr.contains("hint: "), "{output:?}");
    assert!(!sandbox.socket().exists());
}

#[test]
fn a_socket_path_that_is_too_long_is_refused() {
    let sandbox = Sandbox::default();
    let long = "x".repeat(MAX_SOCKET_PATH_BYTES + 1);
    for output in [
        sandbox.run(&["sim", "甲", "乙", "--socket", &long]),
        sandbox.run(&["status", "--socket", &long]),
    ] {
        assert_eq!(output.code(), Some(1));
        assert!(output.stderr.contains("108 bytes long"), "{output:?}");
    }
}

#[test]
fn a_client_reports_why_a_daemon_could_not_start() {
    let sandbox = Sandbox::default();
    let data = sandbox.path().join(".local/share/gte");
    fs::create_dir_all(&data).expect("a folder can be created");
    fs::write(data.join("chosen"), "gone\n").expect("a file can be written");
    let output = sandbox.run(&PAIR);
    assert_eq!(output.code(), Some(1));
    assert!(
        output.stderr.contains("the daemon could not start"),
        "{output:?}"
    );
    assert!(output.stderr.contains("unknown model gone"), "{output:?}");
}

#[test]
fn serve_refuses_models_that_cannot_be_loaded() {
    let sandbox = Sandbox::default();
    let empty = sandbox.path().join("empty");
    fs::create_dir(&empty).expect("a folder can be created");
    for (model, words) in [
        ("no-such-model", "unknown model no-such-model"),
        (utf8(&empty), "no config.json"),
    ] {
        let output = sandbox.gted(&["serve", "--model", model]);
        assert_eq!(output.code(), Some(4));
        assert!(!sandbox.socket().exists());
        assert!(output.stderr.contains(words), "{output:?}");
    }
}

#[test]
fn serve_loads_a_model_from_a_folder() {
    let sandbox = Sandbox::default();
    let tiny = fixture("tiny-bert/hf");
    let _daemon = Daemon::start(&sandbox, &["--model", utf8(&tiny)]);
    let status = sandbox.run(&["status", "--json"]).json();
    assert_eq!(status["model"]["id"], "hf");
    assert_eq!(
        [
            &status["model"]["dimension"],
            &status["model"]["max_tokens"]
        ],
        [64, 64]
    );
    let object = sandbox.run(&["sim", GOLDEN_A, GOLDEN_A, "--json"]).json();
    assert_eq!(object["cosine"], 1.0);
}

#[test]
fn serve_uses_the_number_of_threads_asked_for() {
    let sandbox = Sandbox::default();
    let _daemon = Daemon::start(&sandbox, &["--threads", "3"]);
    let status = sandbox.run(&["status", "--json"]).json();
    assert_eq!(status["threads"], 3);
}
