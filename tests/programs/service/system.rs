//! A daemon for the whole system: a socket of root, a daemon of its own user, clients of others.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};

use gte_tests::{GOLDEN_A, GOLDEN_B, Output, Sandbox, has_golden_score, program, wait_until};

/// User of the daemon, and one of the clients.
const USERS: [&str; 2] = ["48001", "48002"];

/// Command that a user runs.
fn of_user(sandbox: &Sandbox, user: &str, program: &Path) -> Command {
    let mut command = sandbox.command("setpriv");
    command
        .args(["--reuid", user, "--regid", user, "--clear-groups"])
        .arg(program);
    command
}

#[test]
fn another_user_may_use_a_socket_of_the_system() {
    let activate = Path::new("/usr/bin/systemd-socket-activate");
    if !rustix::process::getuid().is_root() || !activate.exists() {
        eprintln!("NOT RUN: a daemon of the system, which needs systemd and root");
        return;
    }
    let sandbox = Sandbox::default();
    let [daemon, client] = USERS;
    let folder = sandbox.path().join("run");
    let own = sandbox.path().join("own");
    for (path, mode) in [(sandbox.path(), 0o755), (&folder, 0o755), (&own, 0o700)] {
        fs::create_dir_all(path).expect("a folder can be made");
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    }
    let id = daemon.parse().expect("a number");
    chown(&own, Some(id), Some(id)).expect("it can be given away");
    let programs = ["gte", "gted"].map(|name| {
        let copy = sandbox.path().join(name);
        fs::copy(program(name), &copy).expect("a program can be copied");
        copy
    });
    let socket = folder.join("main.sock");
    // The service manager of the system listens as root, and starts the daemon as its user.
    let mut listening = sandbox.command(activate);
    listening
        .arg(format!("--listen={}", socket.display()))
        .arg("--fdname=socket")
        .arg(format!("--setenv=RUNTIME_DIRECTORY={}", own.display()))
        .args([
            "setpriv",
            "--reuid",
            daemon,
            "--regid",
            daemon,
            "--clear-groups",
        ])
        .arg(&programs[1])
        .args(["serve", "--idle-exit", "5s"])
        .env_remove("GTE_SOCKET")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut listening = listening.spawn().expect("it can be started");
    wait_until("the socket", || socket.exists());
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).expect("it is ours");
    let run = |arguments: &[&str]| {
        let mut command = of_user(&sandbox, client, &programs[0]);
        Output::of(command.args(arguments).env("GTE_SOCKET", &socket))
    };
    assert!(has_golden_score(
        &run(&["sim", GOLDEN_A, GOLDEN_B]).success()
    ));
    let status = run(&["status", "--json"]).json();
    assert_eq!(status["activated"], true);
    assert!(own.join("gted.sock.lock").exists());
    assert!(!folder.join("main.sock.lock").exists());
    // It leaves when it is idle.
    assert!(listening.wait().expect("it ends").success());
}

#[test]
fn the_units_of_the_system_are_valid() {
    let analyze = Path::new("/usr/bin/systemd-analyze");
    if !analyze.exists() {
        eprintln!("NOT RUN: units of the system, systemd is not installed");
        return;
    }
    let sandbox = Sandbox::default();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../daemon/systemd/system");
    let mut units = Vec::new();
    for (name, copy) in [
        ("gted@.service", "gted@main.service"),
        ("gted@.socket", "gted@main.socket"),
    ] {
        let text = fs::read_to_string(source.join(name)).expect("it exists");
        // Nothing is installed here.
        let text = text.replace("/usr/local/bin/gted", "/bin/true");
        let path = sandbox.path().join(copy);
        fs::write(&path, text).expect("a file can be written");
        units.push(path);
    }
    let verified = Output::of(sandbox.command(analyze).arg("verify").args(&units));
    let ours = verified.stderr.lines().filter(|line| line.contains("gted"));
    let ours: Vec<&str> = ours.filter(|line| !line.contains("man ")).collect();
    assert!(ours.is_empty(), "{verified:?}");
}
