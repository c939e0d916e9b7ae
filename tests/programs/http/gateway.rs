//! nginx in front of the daemon, with the files of `daemon/deploy/nginx`.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};

use gte_tests::wait_until;
use gte_tests::{Daemon, GOLDEN_A, GOLDEN_B, HttpConnection, Output, Sandbox, has_golden_score};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// A running nginx, which ends with this value.
struct Gateway {
    nginx: Child,
    folder: std::path::PathBuf,
    port: u16,
}

impl Gateway {
    fn start(folder: &Path, socket: &Path) -> Self {
        let port = || {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        };
        let (http, https) = (port(), port());
        let start = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../daemon/deploy/nginx/start.sh"
        );
        let mut command = Command::new(start);
        command
            .arg(folder)
            .arg(socket)
            .args([http.to_string(), https.to_string()]);
        let nginx = command.spawn().unwrap();
        wait_until("nginx to listen", || {
            TcpStream::connect(("127.0.0.1", https)).is_ok()
        });
        Self {
            nginx,
            folder: folder.to_owned(),
            port: https,
        }
    }

    /// Runs curl with these arguments against a path; returns the status and the body.
    fn ask(&self, path: &str, arguments: &[&str]) -> (u16, String) {
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--max-time",
            "60",
            "--write-out",
            "\n%{http_code}",
        ]);
        curl.arg("--cacert")
            .arg(self.folder.join("gte.crt"))
            .args(arguments);
        curl.arg(format!("https://localhost:{}{path}", self.port));
        let output = Output::of(curl.stdout(std::process::Stdio::piped()));
        let text = output.success();
        let (body, status) = text.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), body.to_owned())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Killed, it would leave its worker behind.
        let ended = kill_process(Pid::from_child(&self.nginx), Signal::TERM);
        assert!(ended.is_ok() || std::thread::panicking());
        drop(self.nginx.wait());
    }
}

#[test]
fn nginx_has_tls_tokens_a_log_and_the_page() {
    let has = |program: &str| Command::new(program).arg("-v").output().is_ok();
    if !has("nginx") || !has("curl") || !has("openssl") {
        eprintln!("NOT RUN: a gateway, no nginx, curl or openssl");
        return;
    }
    let sandbox = Sandbox::default();
    let socket = sandbox.path().join("http.sock");
    let address = format!("unix:{},mode=666", socket.display());
    let _daemon = Daemon::start(&sandbox, &["--http", &address]);
    let folder = sandbox.path().join("nginx");
    std::fs::create_dir(&folder).unwrap();
    let deploy = concat!(env!("CARGO_MANIFEST_DIR"), "/../daemon");
    let page = Path::new(deploy).join("assets/page.html");
    std::fs::copy(page, folder.join("index.html")).unwrap();
    let tokens = Path::new(deploy).join("deploy/nginx/gte-tokens.conf");
    let tokens = std::fs::read_to_string(tokens).unwrap();
    let client = format!("default \"\";\n    \"Bearer {TOKEN}\" shop;");
    let tokens = tokens.replace("default \"\";", &client);
    std::fs::write(folder.join("gte-tokens.conf"), tokens).unwrap();
    let gateway = Gateway::start(&folder, &socket);

    let pair = json!({"sentence_a": GOLDEN_A, "sentence_b": GOLDEN_B}).to_string();
    let bearer = format!("Authorization: Bearer {TOKEN}");
    let (status, body) = gateway.ask("/api/similarity", &["-H", &bearer, "-d", &pair]);
    assert_eq!(status, 200, "{body}");
    let row: Value = serde_json::from_str(&body).unwrap();
    assert!(has_golden_score(&row["similarity"].to_string()));
    let (status, body) = gateway.ask("/api/similarity", &["-d", &pair]);
    assert_eq!(status, 401, "{body}");
    assert_eq!(gateway.ask("/metrics", &["-H", &bearer]).0, 404);
    assert_eq!(gateway.ask("/health", &[]).0, 200);
    // A page elsewhere is the gateway's matter.
    let page = [
        "-H",
        bearer.as_str(),
        "-H",
        "Origin: https://example.com",
        "-d",
        pair.as_str(),
    ];
    assert_eq!(gateway.ask("/api/similarity", &page).0, 200);
    let (status, body) = gateway.ask("/", &[]);
    assert_eq!(status, 200);
    assert!(body.contains("<script>"));
    // The daemon's own words and form of errors come through.
    let refused = ["-H", bearer.as_str(), "-d", r#"{"input":[1]}"#];
    let (status, body) = gateway.ask("/v1/embeddings", &refused);
    assert_eq!(status, 400);
    assert!(body.contains("check_embedding_ctx_length"), "{body}");
    let log = folder.join("gte.log");
    wait_until("the log to be written", || {
        std::fs::read_to_string(&log).is_ok_and(|log| log.lines().count() >= 5)
    });
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains(r#""client":"shop""#), "{log}");
    assert!(!log.contains(TOKEN) && !log.contains(GOLDEN_A), "{log}");
    // One connection, kept: the own socket goes on beside the gateway.
    let stream = std::os::unix::net::UnixStream::connect(&socket).unwrap();
    assert_eq!(HttpConnection::unix(stream).get("/health").status, 200);
}
