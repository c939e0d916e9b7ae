//! Places at which HTTP is served, and its begin and end.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use gte_tests::{Daemon, GOLDEN_A, GOLDEN_B, HttpConnection, Sandbox, gted, wait_until};
use rustix::process::Signal;
use serde_json::json;

use crate::disk::can_mount;

#[test]
fn the_daemon_s_own_socket_speaks_http_as_well() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut http = HttpConnection::unix(daemon.connect(&sandbox));
    let pair = json!({"sentence_a": GOLDEN_A, "sentence_b": GOLDEN_B});
    for _ in 0..3 {
        assert_eq!(http.post("/api/similarity", &pair).status, 200);
    }
    // The names of hosts and origins do not matter here: no web page can connect.
    let headers = [("host", "gte"), ("origin", "https://example.com")];
    assert_eq!(http.ask("GET /v1/models", &headers, b"").status, 200);
    // The other protocols go on beside it.
    let mut lines = daemon.connect_json(&sandbox);
    assert!(lines.ask(r#"{"a":"x","b":"y"}"#)["similarity"].is_number());
    assert!(sandbox.run(&["sim", GOLDEN_A, GOLDEN_B]).status.success());
}

#[test]
fn an_opening_of_http_may_arrive_byte_by_byte() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut http = HttpConnection::unix(daemon.connect(&sandbox));
    for byte in b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n" {
        http.send(&[*byte]).unwrap();
    }
    assert_eq!(http.reply().unwrap().status, 200);
}

#[test]
fn a_unix_socket_of_http_has_its_mode_and_goes_with_the_daemon() {
    let sandbox = Sandbox::default();
    let path = sandbox.path().join("http.sock");
    let address = format!("unix:{},mode=660,group=0", path.display());
    let arguments = ["--http", address.as_str()];
    let mut daemon = Daemon::start(&sandbox, &arguments);
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let mut http = HttpConnection::unix(UnixStream::connect(&path).unwrap());
    assert_eq!(http.get("/health").status, 200);
    // One that somebody removes is back in a moment.
    std::fs::remove_file(&path).unwrap();
    daemon.wait_for("listening again");
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let mut http = HttpConnection::unix(UnixStream::connect(&path).unwrap());
    assert_eq!(http.get("/health").status, 200);
    // Another one is refused, and the socket of a dead one is taken over.
    let own = sandbox.path().join("other.sock");
    let mut second = sandbox.command(gted());
    second.args([
        "serve",
        "--http",
        &address,
        "--socket",
        own.to_str().unwrap(),
    ]);
    let refused = gte_tests::Output::of(&mut second);
    assert_eq!(refused.code(), Some(4));
    assert!(
        refused.stderr.contains("another program listens"),
        "{}",
        refused.stderr
    );
    daemon.signal(Signal::KILL);
    daemon.wait();
    assert!(path.exists());
    let mut daemon = Daemon::start(&sandbox, &arguments);
    let mut http = HttpConnection::unix(UnixStream::connect(&path).unwrap());
    assert_eq!(http.get("/health").status, 200);
    daemon.signal(Signal::TERM);
    assert!(daemon.wait().success());
    assert!(!path.exists());
}

#[test]
fn a_place_of_http_that_cannot_be_used_is_refused() {
    let sandbox = Sandbox::default();
    let (_daemon, taken) = Daemon::start_http(&sandbox, &[]);
    let file = sandbox.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let occupied = format!("unix:{}", file.display());
    let nowhere = format!("unix:{}/nowhere/s", sandbox.path().display());
    let group = format!("unix:{}/s,group=no-such-group", sandbox.path().display());
    for (arguments, words) in [
        (vec!["--http", &taken], "cannot listen"),
        (vec!["--http", "0.0.0.0:0"], "--token-file"),
        (vec!["--http", &occupied], "is not a socket"),
        (vec!["--http", &nowhere], "cannot listen"),
        (vec!["--http", &group], "no-such-group"),
        (
            vec!["--http", "127.0.0.1:0", "--tls-cert", "x"],
            "belong together",
        ),
        (
            vec!["--http", "127.0.0.1:0", "--token-file", "/nonexistent"],
            "/nonexistent",
        ),
    ] {
        let own = sandbox.path().join("other.sock");
        let mut command = sandbox.command(gted());
        command
            .args(["serve", "--socket", own.to_str().unwrap()])
            .args(&arguments);
        let refused = gte_tests::Output::of(&mut command);
        assert_eq!(refused.code(), Some(4), "{arguments:?}: {}", refused.stderr);
        assert!(
            refused.stderr.contains(words),
            "{arguments:?}: {}",
            refused.stderr
        );
    }
}

#[test]
fn requests_at_work_are_answered_before_the_end() {
    let sandbox = Sandbox::default();
    let (mut daemon, address) = Daemon::start_http(&sandbox, &[]);
    let texts: Vec<String> = (0..400).map(|n| format!("第{n}条工单，申请退款")).collect();
    let body = json!({"inputs": texts}).to_string();
    let mut busy = HttpConnection::tcp(&address);
    let head = format!(
        "POST /embed HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    busy.send(&[head.as_bytes(), body.as_bytes()].concat())
        .unwrap();
    let mut idle = HttpConnection::tcp(&address);
    wait_until("the request to be at work", || {
        let metrics = idle.get("/metrics");
        metrics.text().contains("gte_queue_texts 400")
    });
    daemon.signal(Signal::TERM);
    let reply = busy.reply().expect("a reply");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json().as_array().unwrap().len(), 400);
    assert!(idle.reply().is_none(), "an idle connection is closed");
    assert!(daemon.wait().success());
}

#[test]
fn http_alone_needs_no_place_to_write() {
    if !can_mount() {
        return;
    }
    let sandbox = Sandbox::default();
    // No home, no runtime folder, and a temporary folder that is read-only.
    let script = r#"mount --bind /tmp /tmp && mount -o remount,bind,ro /tmp || exit 99
        exec env -i XDG_RUNTIME_DIR=/proc/nonexistent "$@""#;
    let mut command = sandbox.command("unshare");
    command
        .args(["--mount", "--map-root-user", "sh", "-c", script, "sh"])
        .arg(gted())
        .args(["serve", "--http", "127.0.0.1:0"])
        .current_dir("/")
        .stdout(Stdio::null());
    let mut daemon = Daemon::of(&mut command);
    daemon.wait_for("serving http alone");
    let address = daemon.http_address();
    let mut http = HttpConnection::tcp(&address);
    let pair = json!({"sentence_a": GOLDEN_A, "sentence_b": GOLDEN_B});
    assert_eq!(http.post("/api/similarity", &pair).status, 200);
    daemon.signal(Signal::TERM);
    assert!(daemon.wait().success());
}

#[test]
fn a_daemon_of_a_client_makes_way_for_one_with_http() {
    let sandbox = Sandbox::default();
    assert!(sandbox.run(&["sim", "a", "b"]).status.success());
    let (daemon, address) = Daemon::start_http(&sandbox, &[]);
    assert_eq!(HttpConnection::tcp(&address).get("/health").status, 200);
    // Clients find the new one at the same socket.
    let status = sandbox.run(&["status", "--json"]).json();
    let pid = daemon.pid().as_raw_nonzero().get();
    assert_eq!(status["pid"], pid);
    // It does not make way itself: somebody has started it on purpose.
    let mut second = sandbox.command(gted());
    second.args(["serve", "--http", "127.0.0.1:0"]);
    let refused = gte_tests::Output::of(&mut second);
    assert_eq!(refused.code(), Some(3));
    assert!(
        refused.stderr.contains("already running"),
        "{}",
        refused.stderr
    );
}

#[test]
fn clients_that_start_daemons_with_http_start_one() {
    let sandbox = Sandbox::default();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap().to_string();
    drop(port);
    let folder = sandbox.path().join(".config/gte");
    std::fs::create_dir_all(&folder).unwrap();
    let settings = format!("http = \"{address}\"\n");
    std::fs::write(folder.join("config.toml"), settings).unwrap();
    let start = |_| sandbox.gte(&["sim", "a", "b"]).spawn().unwrap();
    let mut clients: Vec<_> = (0..8).map(start).collect();
    for client in &mut clients {
        assert!(client.wait().unwrap().success());
    }
    assert_eq!(HttpConnection::tcp(&address).get("/health").status, 200);
    let metrics = HttpConnection::tcp(&address).get("/metrics");
    let answered = r#"gte_requests_total{request="similarity",outcome="ok"} 8"#;
    assert!(metrics.text().contains(answered), "{}", metrics.text());
}

#[test]
fn a_client_may_close_its_sending_side_of_the_own_socket() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut stream = daemon.connect(&sandbox);
    let body = json!({"inputs": "新的一段文本"}).to_string();
    let head = format!(
        "POST /embed HTTP/1.1\r\nhost: x\r\ncontent-length: {}",
        body.len()
    );
    stream
        .write_all(format!("{head}\r\n\r\n{body}").as_bytes())
        .unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut http = HttpConnection::unix(stream);
    assert_eq!(http.reply().expect("a reply").status, 200);
}

#[test]
fn the_configuration_file_names_an_address_as_well() {
    let sandbox = Sandbox::default();
    let folder = sandbox.path().join(".config/gte");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), "http = \"127.0.0.1:0\"\n").unwrap();
    let daemon = Daemon::spawn(&sandbox, &[]);
    let address = daemon.http_address();
    assert_eq!(HttpConnection::tcp(&address).get("/health").status, 200);
}
