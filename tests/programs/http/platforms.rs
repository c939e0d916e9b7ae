//! Variables and paths of serverless platforms.

use std::fs::{self, File};
use std::net::TcpStream;

use gte_tests::{
    Daemon, GOLDEN_A, GOLDEN_B, HttpConnection, Output, Sandbox, gted, has_golden_score, wait_until,
};
use serde_json::{Value, json};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Starts `gted serve` with variables and options; its stdout goes to a file.
fn start(sandbox: &Sandbox, variables: &[(&str, &str)], options: &[&str]) -> Daemon {
    let out = File::create(sandbox.path().join("stdout")).expect("a file can be made");
    let mut command = sandbox.command(gted());
    command.arg("serve").args(options).stdout(out);
    command.envs(variables.iter().copied());
    Daemon::of(&mut command)
}

/// A connection to a daemon that serves at all addresses.
fn connect(daemon: &Daemon) -> HttpConnection<TcpStream> {
    let address = daemon.http_address();
    let port = address.strip_prefix("0.0.0.0:").expect("all addresses");
    HttpConnection::tcp(&format!("127.0.0.1:{port}"))
}

fn pair() -> String {
    json!({"a": GOLDEN_A, "b": GOLDEN_B}).to_string()
}

#[test]
fn platforms_name_the_port() {
    for (variables, options) in [
        (vec![("PORT", "0")], vec!["--no-auth"]),
        (
            vec![("FC_SERVER_PORT", "0"), ("PORT", "none")],
            vec!["--no-auth"],
        ),
        (
            vec![("FC_CUSTOM_LISTEN_PORT", "0"), ("PORT", "none")],
            vec!["--no-auth"],
        ),
    ] {
        let sandbox = Sandbox::default();
        let daemon = start(&sandbox, &variables, &options);
        assert_eq!(connect(&daemon).get("/health").status, 200, "{variables:?}");
    }
    // An address that is named comes first.
    let sandbox = Sandbox::default();
    let variables = [("FC_SERVER_PORT", "none"), ("PORT", "none")];
    let daemon = start(&sandbox, &variables, &["--http", "127.0.0.1:0"]);
    assert!(daemon.http_address().starts_with("127.0.0.1:"));
}

#[test]
fn a_port_that_is_none_is_refused_where_it_counts() {
    let sandbox = Sandbox::default();
    let mut command = sandbox.command(gted());
    command.args(["serve", "--no-auth"]).env("PORT", "70000");
    let refused = Output::of(&mut command);
    assert!(!refused.status.success());
    assert!(
        refused.stderr.contains("PORT: expected a port"),
        "{refused:?}"
    );
    // Shells have the variable as well. Nobody has said that others may connect.
    let daemon = start(&sandbox, &[("PORT", "70000")], &[]);
    daemon.wait_for("ready");
    drop(daemon);
    // Nor does it matter to a daemon that a client starts.
    let mut sim = sandbox.gte(&["sim", GOLDEN_A, GOLDEN_B]);
    sim.env("PORT", "70000").env("GTE_NO_AUTH", "true");
    assert!(has_golden_score(&Output::of(&mut sim).success()));
    sandbox.run(&["stop"]).success();
}

#[test]
fn function_compute_is_answered_at_its_paths() {
    let sandbox = Sandbox::default();
    let daemon = start(&sandbox, &[("FC_SERVER_PORT", "0")], &["--no-auth"]);
    let mut http = connect(&daemon);
    for hook in ["POST /initialize", "GET /pre-freeze", "GET /pre-stop"] {
        let kind = hook.split(' ').next_back().expect("a path");
        let headers = [("x-fc-control-path", kind)];
        assert_eq!(http.ask(hook, &headers, b"").status, 200, "{hook}");
    }
    let event = |http: &mut HttpConnection<TcpStream>, id: &str, body: &str| {
        let headers = [
            ("x-fc-control-path", "/invoke"),
            ("x-fc-request-id", id),
            ("x-fc-access-key-secret", "secret"),
        ];
        let reply = http.ask("POST /invoke", &headers, body.as_bytes());
        let status = reply.header("x-fc-status").map(str::to_owned);
        (status.unwrap_or_default(), reply.json())
    };
    let (status, reply) = event(&mut http, "1-a", &pair());
    assert_eq!(status, "200");
    assert!(has_golden_score(&reply.to_string()), "{reply}");
    // A timer that keeps the instance warm.
    let (status, reply) = event(&mut http, "1-b", r#"{"triggerName":"timer"}"#);
    assert_eq!(
        (status.as_str(), &reply["status"]["state"]),
        ("200", &Value::from("ready"))
    );
    for refused in [r#"{"a":"x"}"#, "no event {", r#"{"command":"shutdown"}"#] {
        let (status, reply) = event(&mut http, "two\twords", refused);
        assert_eq!(status, "404", "{reply}");
        assert_eq!(reply["code"], "bad_request", "{reply}");
    }
    let long = "x".repeat(129);
    assert_eq!(
        event(&mut http, &long, &pair()).0,
        "200",
        "its id is not logged"
    );
    let call = [
        ("x-fc-control-path", "/http-invoke"),
        ("x-fc-request-id", "1-c"),
    ];
    assert_eq!(http.ask("GET /v1/models", &call, b"").status, 200);
    // Not by a client.
    assert_eq!(
        http.ask("POST /invoke", &call, pair().as_bytes()).status,
        404
    );
    let twice = [
        ("x-fc-control-path", "/invoke"),
        ("x-fc-control-path", "/http-invoke"),
    ];
    assert_eq!(
        http.ask("POST /invoke", &twice, pair().as_bytes()).status,
        404
    );

    let stdout = sandbox.path().join("stdout");
    let lines = ["1-a", "1-b", "1-c", "1-c"]
        .map(|id| format!("FC Invoke Start RequestId: {id}\nFC Invoke End RequestId: {id}\n"));
    wait_until("the lines of all invocations", || {
        fs::read_to_string(&stdout).is_ok_and(|written| written == lines.concat())
    });
}

#[test]
fn an_event_needs_a_token_where_clients_do() {
    let sandbox = Sandbox::default();
    let file = sandbox.path().join("tokens");
    fs::write(&file, format!("shop {TOKEN}\n")).expect("a file can be written");
    let options = ["--token-file", file.to_str().expect("UTF-8")];
    let daemon = start(&sandbox, &[("FC_SERVER_PORT", "0")], &options);
    let mut http = connect(&daemon);
    let event = ("x-fc-control-path", "/invoke");
    let body = pair();
    assert_eq!(
        http.ask("POST /invoke", &[event], body.as_bytes()).status,
        401
    );
    let bearer = format!("Bearer {TOKEN}");
    let with_token = [event, ("authorization", bearer.as_str())];
    assert_eq!(
        http.ask("POST /invoke", &with_token, body.as_bytes())
            .status,
        200
    );
    assert_eq!(http.ask("POST /initialize", &[], b"").status, 200);
}

#[test]
fn elsewhere_function_computes_paths_do_not_exist() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let mut http = HttpConnection::tcp(&address);
    let event = [("x-fc-control-path", "/invoke")];
    assert_eq!(http.ask("POST /invoke", &event, b"{}").status, 404);
    assert_eq!(http.ask("POST /initialize", &[], b"").status, 404);
}

#[test]
fn a_program_that_is_no_function_says_so() {
    let sandbox = Sandbox::default();
    let bootstrap = sandbox.path().join("bootstrap");
    std::os::unix::fs::symlink(gted(), &bootstrap).expect("a link can be made");
    for (program, arguments) in [(gted(), &["lambda"][..]), (bootstrap, &[])] {
        let mut command = sandbox.command(program);
        let refused = Output::of(command.args(arguments));
        assert_eq!(refused.code(), Some(1), "{refused:?}");
        let words = "this is not a Lambda function: AWS_LAMBDA_RUNTIME_API is not set";
        assert!(refused.stderr.contains(words), "{refused:?}");
        assert!(!refused.stderr.contains("loaded"), "{refused:?}");
    }
    for (name, value) in [
        ("AWS_LAMBDA_RUNTIME_API", "*"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "much"),
    ] {
        let mut command = sandbox.command(gted());
        command
            .env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9")
            .env("AWS_LAMBDA_FUNCTION_NAME", "gte")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env(name, value);
        let refused = Output::of(&mut command);
        assert_eq!(refused.code(), Some(1), "{refused:?}");
        let words = format!("the variable {name} is not as Lambda sets it");
        assert!(refused.stderr.contains(&words), "{refused:?}");
    }
}
