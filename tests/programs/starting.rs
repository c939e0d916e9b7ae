//! How a daemon comes to be: one a socket, whoever starts it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Child;

use gte_shared::endpoint::MAX_SOCKET_PATH_BYTES;
use gte_tests::{Daemon, Sandbox, gted, has_golden_score, wait_until};
use rustix::process::{Pid, Signal, kill_process};

const PAIR: [&str; 3] = ["sim", "今天天气很好", "今天天气不错"];

fn daemon_pid(sandbox: &Sandbox) -> u64 {
    let status = sandbox.run(&["status", "--json"]).json();
    status["pid"].as_u64().expect("a process id")
}

fn mode(path: impl AsRef<std::path::Path>) -> u32 {
    fs::metadata(path)
        .expect("it is there")
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
        let output = client.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{output:?}");
        assert!(has_golden_score(&String::from_utf8_lossy(&output.stdout)));
    }
    let pid = daemon_pid(&sandbox);
    // Those that lost the race may still be on their way out; nobody waits for them.
    wait_until("the end of all daemons but one", || {
        let daemons = daemons(&sandbox);
        assert!(daemons.contains(&pid), "{pid} answers, but {daemons:?} run");
        daemons.len() == 1
    });
}

/// Process ids of the daemons that run for the socket of a sandbox.
fn daemons(sandbox: &Sandbox) -> Vec<u64> {
    let socket = sandbox.socket().to_string_lossy().into_owned();
    let processes = fs::read_dir("/proc").expect("there is /proc").flatten();
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
    let process = Pid::from_raw(i32::try_from(pid).expect("a small number"));
    kill_process(process.expect("not 0"), Signal::KILL).expect("it can be killed");
    assert!(sandbox.socket().exists(), "nobody was there to remove it");
    sandbox.run(&PAIR).success();
    assert_ne!(daemon_pid(&sandbox), pid);
}

#[test]
fn a_second_daemon_says_so_and_exits_with_3() {
    let sandbox = Sandbox::default();
    let _first = Daemon::start(&sandbox, &[]);
    let output = sandbox
        .command(gted())
        .arg("serve")
        .output()
        .expect("gted can be started");
    assert_eq!(output.status.code(), Some(3));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(words.contains("already running"), "{words}");
    sandbox.run(&PAIR).success();
}

#[test]
fn the_socket_and_its_folder_are_the_owners_alone() {
    let sandbox = Sandbox::default();
    let folder = sandbox.path().join("folder");
    let socket = folder.join("s");
    let _daemon = Daemon::start(&sandbox, &["--socket", socket.to_str().expect("UTF-8")]);
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(&folder), 0o700);
}

#[test]
fn without_a_runtime_folder_the_socket_is_in_a_folder_of_this_user() {
    let sandbox = Sandbox::default();
    let gte = |arguments: &[&str]| {
        let mut command = sandbox.gte(arguments);
        command
            .env_remove("GTE_SOCKET")
            .env("TMPDIR", sandbox.path());
        let output = command.output().expect("gte can be started");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    assert_eq!(gte(&PAIR).0, Some(0));
    let user = rustix::process::getuid().as_raw();
    let folder = sandbox.path().join(format!("gte-{user}"));
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(folder.join("gted.sock")), 0o600);
    assert_eq!(gte(&["stop"]).0, Some(0));

    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("it is ours");
    let (code, words) = gte(&PAIR);
    assert_eq!(code, Some(1));
    assert!(words.contains("is open to other users"), "{words}");
}

#[test]
fn what_is_in_the_sockets_place_is_not_harmed() {
    let sandbox = Sandbox::default();
    fs::write(sandbox.socket(), "precious").expect("a file can be written");
    let output = sandbox.run(&PAIR);
    assert_eq!(output.code(), Some(1));
    // Whoever finds it, the client or the daemon that it starts, says what is there.
    assert!(
        output.stderr.contains("exists and is not a socket"),
        "{output:?}"
    );
    let content = fs::read_to_string(sandbox.socket()).expect("it is still there");
    assert_eq!(content, "precious");
    fs::remove_file(sandbox.socket()).expect("it can be removed");
}

#[test]
fn no_start_means_no_start() {
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
fn a_path_too_long_for_a_socket_is_told_in_words() {
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
fn a_daemon_that_cannot_start_says_why_through_the_client() {
    let sandbox = Sandbox::default();
    // The lock's place is taken by a folder, so the daemon gives up at once.
    fs::create_dir(sandbox.path().join("gted.sock.lock")).expect("a folder can be made");
    let output = sandbox.run(&PAIR);
    assert_eq!(output.code(), Some(1));
    assert!(
        output.stderr.contains("the daemon could not start"),
        "{output:?}"
    );
    assert!(
        output.stderr.contains("gted.sock.lock cannot be taken"),
        "{output:?}"
    );
}

#[test]
fn models_are_named_or_refused_in_words() {
    let sandbox = Sandbox::default();
    let refused = |model: &str| {
        let output = sandbox
            .command(gted())
            .args(["serve", "--model", model])
            .output();
        let output = output.expect("gted can be started");
        assert_eq!(output.status.code(), Some(1));
        assert!(!sandbox.socket().exists());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(refused("no-such-model").contains("there is no model no-such-model"));
    let empty = sandbox.path().join("empty");
    fs::create_dir(&empty).expect("a folder can be made");
    assert!(refused(empty.to_str().expect("UTF-8")).contains("no config.json"));

    let tiny = gte_tests::fixture("tiny-bert/hf");
    let _daemon = Daemon::start(&sandbox, &["--model", tiny.to_str().expect("UTF-8")]);
    let status = sandbox.run(&["status", "--json"]).json();
    assert_eq!(status["model"]["id"], "hf");
    assert_eq!(
        [
            &status["model"]["dimension"],
            &status["model"]["max_tokens"]
        ],
        [64, 64]
    );
    let object = sandbox
        .run(&["sim", "今天天气很好", "今天天气很好", "--json"])
        .json();
    assert_eq!(object["cosine"], 1.0);
}

#[test]
fn threads_are_as_many_as_asked_for() {
    let sandbox = Sandbox::default();
    let _daemon = Daemon::start(&sandbox, &["--threads", "3"]);
    let status = sandbox.run(&["status", "--json"]).json();
    assert_eq!(status["threads"], 3);
}
