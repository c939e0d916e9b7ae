//! Accidents of a daemon: its socket removed, its files replaced, a crash, another user.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gte_tests::{
    Daemon, GOLDEN_A, GOLDEN_B, Output, Sandbox, fixture, gted, has_golden_score, program,
    wait_until,
};
use rustix::process::{Pid, Signal, getuid, kill_process};
use serde_json::Value;

use crate::models::{convert, copy_folder, utf8};
use crate::starting::{daemon_pid, daemons};

const PAIR: [&str; 3] = ["sim", GOLDEN_A, GOLDEN_B];

fn kill(pid: u64) {
    let process = Pid::from_raw(i32::try_from(pid).expect("a process id is small"));
    kill_process(process.expect("not 0"), Signal::KILL).expect("a signal can be sent");
}

pub(crate) fn is_running(pid: u64) -> bool {
    // A zombie has no command line.
    fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|command| !command.is_empty())
}

/// Session of the process that has this folder under `/proc` (proc_pid_stat(5)). It is 0 if the
/// session began outside the container that the tests run in.
fn session_of(process: &Path) -> u64 {
    let stat = fs::read_to_string(process.join("stat")).expect("it can be read");
    let (_, fields) = stat.rsplit_once(')').expect("the name is in parentheses");
    let session = fields.split_whitespace().nth(3);
    session.expect("four fields").parse().expect("a number")
}

fn status(sandbox: &Sandbox) -> Value {
    sandbox.run(&["status", "--json"]).json()
}

#[test]
fn a_daemon_whose_socket_is_removed_listens_again() {
    let sandbox = Sandbox::default();
    sandbox.run(&PAIR).success();
    let pid = daemon_pid(&sandbox);
    for _ in 0..2 {
        fs::remove_file(sandbox.socket()).expect("a socket can be removed");
        assert!(has_golden_score(&sandbox.run(&PAIR).success()));
        assert_eq!(daemon_pid(&sandbox), pid);
        assert_eq!(daemons(&sandbox), [pid]);
    }
    // A client that starts no daemon, and the end.
    fs::remove_file(sandbox.socket()).expect("a socket can be removed");
    assert_eq!(daemon_pid(&sandbox), pid);
    fs::remove_file(sandbox.socket()).expect("a socket can be removed");
    sandbox.run(&["stop"]).success();
    assert!(daemons(&sandbox).is_empty());
}

#[test]
fn a_daemon_whose_folder_is_removed_makes_way() {
    let sandbox = Sandbox::default();
    let folder = sandbox.path().join("folder");
    let socket = folder.join("s");
    let run = |arguments: &[&str]| {
        let mut arguments = arguments.to_vec();
        arguments.extend(["--socket", utf8(&socket)]);
        sandbox.run(&arguments)
    };
    let pid = || {
        let status = run(&["status", "--json"]).json();
        status["pid"].as_u64().expect("a process id")
    };
    run(&PAIR).success();
    let first = pid();
    fs::remove_dir_all(&folder).expect("a folder can be removed");
    assert!(has_golden_score(&run(&PAIR).success()));
    let second = pid();
    assert_ne!(second, first);
    wait_until("the end of the first daemon", || !is_running(first));
    assert!(socket.exists(), "the socket of the second one");
    assert_eq!(pid(), second);
    run(&["stop"]).success();
    assert!(!socket.exists());
}

#[test]
fn a_started_daemon_leaves_its_caller_behind() {
    let sandbox = Sandbox::default();
    let gte = program("gte");
    let script = format!(
        "exec 9> lock; flock -n 9 || exit 7; {} sim {GOLDEN_A} {GOLDEN_B}",
        utf8(&gte)
    );
    let run = |script: &str| Output::of(sandbox.command("bash").args(["-c", script]));
    run(&script).success();
    run("flock -n lock true").success();
    let pid = daemon_pid(&sandbox);
    let process = PathBuf::from(format!("/proc/{pid}"));
    let link = |name: &str| fs::read_link(process.join(name)).expect("it can be read");
    assert_eq!(link("cwd"), Path::new("/"));
    assert_eq!(session_of(&process), pid);
    sandbox.run(&["stop"]).success();
    // The end of a pipe that the daemon had inherited would never come.
    let piped = format!("{{ {} sim 甲 乙; }} 3>&1 >/dev/null | cat", utf8(&gte));
    run(&piped).success();
}

#[test]
fn a_daemon_started_by_hand_stays_where_it_is() {
    let sandbox = Sandbox::default();
    let _daemon = Daemon::start(&sandbox, &[]);
    let pid = daemon_pid(&sandbox);
    let process = PathBuf::from(format!("/proc/{pid}"));
    let folder = fs::read_link(process.join("cwd")).expect("it can be read");
    assert_eq!(fs::canonicalize(sandbox.path()).expect("it exists"), folder);
    assert_ne!(session_of(&process), pid);
    assert_eq!(status(&sandbox)["detached"], false);
}

#[test]
fn a_relative_socket_is_found_by_a_detached_daemon() {
    let sandbox = Sandbox::default();
    let run =
        |arguments: &[&str]| Output::of(sandbox.gte(arguments).env("GTE_SOCKET", "relative.sock"));
    run(&PAIR).success();
    assert!(sandbox.path().join("relative.sock").exists());
    run(&["stop"]).success();
}

#[test]
fn clients_wait_for_the_lock_and_start_nothing() {
    let sandbox = Sandbox::default();
    let lock = sandbox.path().join("gted.sock.lock");
    let record = r#"{"pid":4711,"version":"x","model":null,"loading":true}"#;
    fs::write(&lock, record).expect("a file can be written");
    let held = fs::File::open(&lock).expect("it exists");
    held.lock().expect("a lock can be taken");

    let refused = sandbox.run(&["status"]);
    assert_eq!(refused.code(), Some(1));
    let expected = "gted (pid 4711) holds";
    assert!(refused.stderr.contains(expected), "{refused:?}");
    assert!(refused.stderr.contains("`kill 4711`"), "{refused:?}");

    std::thread::scope(|scope| {
        let mut waiting = sandbox.gte(&PAIR);
        let mut waiting = waiting.spawn().expect("gte can be started");
        let mut stderr = waiting.stderr.take().expect("stderr is piped");
        let told = scope.spawn(move || {
            let mut told = [0; 30];
            std::io::Read::read_exact(&mut stderr, &mut told).map(|()| told)
        });
        let told = told.join().expect("it does not panic").expect("a notice");
        assert!(String::from_utf8_lossy(&told).contains("waiting for gted"));
        assert!(daemons(&sandbox).is_empty());
        drop(held);
        let output = waiting.wait_with_output().expect("gte ends");
        assert!(output.status.success(), "{output:?}");
    });
}

#[test]
fn files_replaced_under_a_model_kill_nothing() {
    // Weights as they are published, and a copy of an installed model.
    let published = Sandbox::default();
    replace_files_under(&published, &fixture("tiny-bert/hf"));
    let copied = Sandbox::default();
    convert(&copied, &fixture("tiny-bert/hf"), "tiny").success();
    replace_files_under(&copied, &copied.models().join("tiny"));
}

fn replace_files_under(sandbox: &Sandbox, model: &Path) {
    let live = sandbox.path().join("live");
    copy_folder(model, &live);
    let daemon = Daemon::start(sandbox, &["--model", utf8(&live)]);
    for file in fs::read_dir(&live).expect("it exists").flatten() {
        if file.path().is_file() {
            fs::write(file.path(), "").expect("a file can be emptied");
        }
    }
    let scored = sandbox.run(&["sim", "a b c", "x y z", "--json"]);
    assert_eq!(scored.stderr, "");
    assert_eq!(scored.json()["model"], "live");
    assert_eq!(status(sandbox)["pid"], daemon.pid().as_raw_nonzero().get());
}

#[test]
fn another_model_after_a_crash_is_named() {
    let sandbox = Sandbox::default();
    let tiny = fixture("tiny-bert/hf");
    let mut daemon = Daemon::start(&sandbox, &["--model", utf8(&tiny), "--precision", "f32"]);
    sandbox.run(&PAIR).success();
    daemon.signal(Signal::KILL);
    daemon.wait();
    let first = sandbox.run(&PAIR);
    assert!(
        first.stderr.contains("the daemon ended unexpectedly") && first.stderr.contains("hf (f32)"),
        "{first:?}"
    );
    first.success();
    let second = sandbox.run(&PAIR);
    assert_eq!(second.stderr, "", "it is told once");
    // The same model, after a crash and after a stop.
    kill(daemon_pid(&sandbox));
    assert_eq!(sandbox.run(&PAIR).stderr, "");
    sandbox.run(&["stop"]).success();
    let _daemon = Daemon::start(&sandbox, &["--model", utf8(&tiny)]);
    sandbox.run(&["stop"]).success();
    assert_eq!(sandbox.run(&PAIR).stderr, "");
}

#[test]
fn a_program_that_listens_at_the_socket_is_not_displaced() {
    let sandbox = Sandbox::default();
    let listener = UnixListener::bind(sandbox.socket()).expect("a socket can be bound");
    let output = sandbox.gted(&["serve"]);
    assert_eq!(output.code(), Some(4));
    assert!(
        output.stderr.contains("another program listens"),
        "{output:?}"
    );
    assert!(sandbox.socket().exists());
    drop(listener);
    // Nobody listens there any more.
    let _daemon = Daemon::start(&sandbox, &[]);
}

/// A user id that nobody has.
const OTHER_USER: u32 = 12_345;

#[test]
fn a_daemon_of_another_user_is_refused() {
    if !getuid().is_root() {
        let words = b"NOT RUN: a daemon of another user, which only root can start\n";
        std::io::Write::write_all(&mut std::io::stderr(), words).expect("stderr can be written to");
        return;
    }
    let sandbox = Sandbox::default();
    fs::set_permissions(sandbox.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
    // As in /tmp: everybody can make a socket there, and nobody can remove another's.
    let shared = sandbox.path().join("shared");
    fs::create_dir(&shared).expect("a folder can be created");
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o1777)).expect("it is ours");
    let theirs = shared.join("gted");
    fs::copy(gted(), &theirs).expect("a file can be copied");
    let socket = shared.join("s");
    let mut squatter = Command::new(&theirs);
    squatter
        .args(["serve", "--socket", utf8(&socket)])
        .env_clear()
        .current_dir("/")
        .stderr(Stdio::null())
        .uid(OTHER_USER)
        .gid(OTHER_USER);
    let mut squatter = squatter.spawn().expect("it starts");
    wait_until("the socket", || socket.exists());
    let owner = fs::symlink_metadata(&socket).expect("it exists").uid();
    assert_eq!(owner, OTHER_USER);
    let output = sandbox.run(&["sim", "甲", "乙", "--socket", utf8(&socket)]);
    squatter.kill().expect("it can be killed");
    squatter.wait().expect("it ends");
    assert_eq!(output.code(), Some(1));
    let expected = format!("belongs to user {OTHER_USER}");
    assert!(output.stderr.contains(&expected), "{output:?}");

    // A folder of another user.
    let folder = sandbox.path().join("theirs");
    fs::create_dir(&folder).expect("a folder can be created");
    chown(&folder, Some(OTHER_USER), None).expect("root can give it away");
    let output = sandbox.run(&["sim", "甲", "乙", "--socket", utf8(&folder.join("s"))]);
    assert_eq!(output.code(), Some(1));
    assert!(
        output.stderr.contains("belongs to another user"),
        "{output:?}"
    );
}
