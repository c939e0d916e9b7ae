//! Clients that are too slow, too large, too many, or not what they seem.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use gte_tests::{Daemon, HttpConnection, Sandbox, TEST_TIMEOUT, wait_until};
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;

/// Asserts that the service answers a new client.
fn assert_answers(address: &str) {
    let pair = json!({"sentence_a": "a", "sentence_b": "b"});
    let reply = HttpConnection::tcp(address).post("/api/similarity", &pair);
    assert_eq!(reply.status, 200);
}

#[test]
fn a_body_over_the_limit_is_refused_with_a_reply() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let part = vec![b' '; 1 << 20];
    // With its length stated, and without.
    let stated = "POST /embed HTTP/1.1\r\nhost: localhost\r\ncontent-length: 104857600\r\n\r\n";
    let mut http = HttpConnection::tcp(&address);
    http.send(stated.as_bytes()).unwrap();
    for _ in 0..100 {
        http.send(&part)
            .expect("the rest is thrown away, not refused");
    }
    let reply = http.reply().expect("a reply");
    assert_eq!(reply.status, 413);
    assert_eq!(reply.header("connection"), Some("close"));
    assert!(http.reply().is_none());
    let chunked = "POST /embed HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut http = HttpConnection::tcp(&address);
    http.send(chunked.as_bytes()).unwrap();
    for _ in 0..30 {
        http.send(format!("{:x}\r\n", part.len()).as_bytes())
            .unwrap();
        http.send(&part).unwrap();
        http.send(b"\r\n").unwrap();
    }
    assert_eq!(http.reply().expect("a reply").status, 413);
    assert_answers(&address);
}

/// A request that is answered with 200 if it is read as it is meant.
const GOOD: &str = r#"{"inputs":"x"}"#;

#[test]
fn shapes_that_two_servers_read_differently_end_the_connection() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let hidden = "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let chunked = format!("{:x}\r\n{GOOD}\r\n0\r\n\r\n", GOOD.len());
    let length = GOOD.len();
    let (twice, list) = (
        format!("content-length: {length}\r\ncontent-length: 6"),
        format!("content-length: {length}, {length}"),
    );
    let plus = format!("content-length: +{length}");
    for (head, body, status) in [
        // The length is ignored, as RFC 9112 has it, and nothing is read behind.
        (
            "content-length: 5\r\ntransfer-encoding: chunked",
            chunked.as_str(),
            200,
        ),
        (
            "transfer-encoding: chunked\r\ncontent-length: 5",
            &chunked,
            200,
        ),
        (twice.as_str(), GOOD, 400),
        (&list, GOOD, 400),
        (&plus, GOOD, 400),
        ("content-length: -1", GOOD, 400),
        ("content-length: 0xe", GOOD, 400),
        ("content-length: 99999999999999999999", GOOD, 400),
        ("transfer-encoding: xchunked", &chunked, 400),
        ("transfer-encoding: chunked, identity", &chunked, 400),
        ("transfer-encoding : chunked", &chunked, 400),
        ("x: y\r\n transfer-encoding: chunked", &chunked, 400),
    ] {
        let mut http = HttpConnection::tcp(&address);
        let head = format!("POST /embed HTTP/1.1\r\nhost: localhost\r\n{head}\r\n\r\n");
        let reply = http.exchange(format!("{head}{body}{hidden}").as_bytes());
        assert_eq!(reply.expect("a reply").status, status, "{head}");
        assert!(
            http.reply().is_none(),
            "{head}: what follows is not answered"
        );
    }
    assert_answers(&address);
}

#[test]
fn broken_chunks_are_not_taken_for_a_body() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let length = GOOD.len();
    for body in [
        format!("{:x}\r\n{GOOD}", length + 1),
        format!("{length:x}\r\n{GOOD}"),
        format!("zz\r\n{GOOD}\r\n0\r\n\r\n"),
        format!("ffffffffffffffff{length:x}\r\n{GOOD}\r\n0\r\n\r\n"),
        format!("{:x}\r\n{GOOD}\r\n0\r\n\r\n", length - 1),
    ] {
        let mut http = HttpConnection::tcp(&address);
        let head = "POST /embed HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
        http.send(format!("{head}{body}").as_bytes()).unwrap();
        http.finish();
        let status = http.reply().map(|reply| reply.status);
        assert!(
            status.is_none_or(|status| status == 400),
            "{body}: {status:?}"
        );
    }
    assert_answers(&address);
}

#[test]
fn a_slow_head_ends_the_connection() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let mut http = HttpConnection::tcp(&address);
    http.send(b"GET /health HTTP/1.1\r\nhost: loc").unwrap();
    let begin = Instant::now();
    assert!(http.reply().is_none());
    let seconds = begin.elapsed().as_secs();
    assert!((9..20).contains(&seconds), "{seconds}");
    assert_answers(&address);
}

#[test]
fn a_refusal_reaches_a_client_that_still_sends() {
    let sandbox = Sandbox::default();
    let tokens = sandbox.path().join("tokens");
    std::fs::write(&tokens, format!("shop {}\n", "x".repeat(32))).unwrap();
    let arguments = ["--token-file", tokens.to_str().unwrap()];
    let (_daemon, address) = Daemon::start_http(&sandbox, &arguments);
    let part = vec![b' '; 1 << 16];
    for path in ["/embed", "/nonsense", "/v1/models"] {
        let mut http = HttpConnection::tcp(&address);
        let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\n");
        http.send(format!("{head}content-length: 4194304\r\n\r\n").as_bytes())
            .unwrap();
        for _ in 0..64 {
            http.send(&part)
                .expect("the rest is thrown away, not refused");
        }
        let reply = http.reply().expect("a reply");
        assert_eq!(reply.status, 401, "{path}");
        assert_eq!(reply.header("connection"), Some("close"));
        assert!(http.reply().is_none());
    }
}

#[test]
fn clients_that_are_refused_and_say_nothing_keep_nobody_out() {
    let sandbox = Sandbox::default();
    let tokens = sandbox.path().join("tokens");
    std::fs::write(&tokens, format!("shop {}\n", "x".repeat(32))).unwrap();
    let arguments = ["--token-file", tokens.to_str().unwrap()];
    let (_daemon, address) = Daemon::start_http(&sandbox, &arguments);
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = Some(6000);
    if setrlimit(Resource::Nofile, limit).is_err() {
        eprintln!("NOT RUN: 1,200 connections, too few descriptors");
        return;
    }
    let head = b"POST /embed HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9999999\r\n\r\n";
    let begin = Instant::now();
    let _silent: Vec<TcpStream> = (0..1200)
        .map(|_| {
            let mut stream = TcpStream::connect(&address).expect("connections are accepted");
            drop(stream.write_all(head));
            stream
        })
        .collect();
    assert_eq!(HttpConnection::tcp(&address).get("/health").status, 200);
    assert!(begin.elapsed().as_secs() < 25, "before they are given up");
}

#[test]
fn an_error_in_reply_to_chunks_keeps_the_connection() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let mut http = HttpConnection::tcp(&address);
    let head = "POST /embed HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
    for _ in 0..3 {
        let request = format!("{head}2\r\n{{}}\r\n0\r\n\r\n");
        let reply = http.exchange(request.as_bytes()).expect("a reply");
        assert_eq!(reply.status, 400);
        assert_eq!(reply.header("connection"), None);
    }
}

#[test]
fn a_client_that_does_not_read_holds_memory_until_it_goes() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut metrics = HttpConnection::unix(daemon.connect(&sandbox));
    let mut used = || -> usize {
        let reply = metrics.get("/metrics");
        let mut lines = reply.text().lines();
        let line = lines.find_map(|line| line.strip_prefix("gte_request_memory_bytes "));
        line.expect("a gauge").parse().expect("a number")
    };
    let body = json!({"inputs": vec!["退款"; 1500]}).to_string();
    let mut stream = daemon.connect(&sandbox);
    let head = format!(
        "POST /embed HTTP/1.1\r\nhost: x\r\ncontent-length: {}",
        body.len()
    );
    stream
        .write_all(format!("{head}\r\n\r\n{body}").as_bytes())
        .unwrap();
    // The reply of some 9 MB is on its way, and more of it than the socket holds is not read.
    stream.read_exact(&mut [0; 100]).unwrap();
    assert!(used() > 8 << 20, "{}", used());
    drop(stream);
    wait_until("the memory to be given back", || used() == 0);
}

#[test]
fn a_head_over_the_limit_is_refused() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let long = format!("x: {}\r\n", "y".repeat(100_000));
    let mut http = HttpConnection::tcp(&address);
    let request = format!("GET /health HTTP/1.1\r\nhost: localhost\r\n{long}\r\n");
    let reply = http.exchange(request.as_bytes()).expect("a reply");
    assert_eq!(reply.status, 431);
    let mut http = HttpConnection::tcp(&address);
    let target = format!(
        "GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "x".repeat(70_000)
    );
    let reply = http
        .exchange(target.as_bytes())
        .map_or(414, |reply| reply.status);
    assert!([414, 431].contains(&reply), "{reply}");
    assert_answers(&address);
}

#[test]
fn five_thousand_idle_connections_keep_nobody_out() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = Some(6000);
    if setrlimit(Resource::Nofile, limit).is_err() {
        eprintln!("NOT RUN: 5,000 connections, too few descriptors");
        return;
    }
    let mut idle = Vec::new();
    for number in 0..5000 {
        let mut stream = TcpStream::connect(&address).expect("connections are accepted");
        // Some have begun a request.
        if number % 3 == 0 && number < 3900 {
            drop(stream.write_all(b"GET /health HT"));
        }
        idle.push(stream);
        if number % 500 == 0 {
            assert_answers(&address);
        }
    }
    assert_answers(&address);
    let mut http = HttpConnection::tcp(&address);
    let open = || -> usize {
        let metrics = http.get("/metrics");
        let metrics = metrics.text();
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix("gte_http_connections "));
        line.expect("a gauge").parse().expect("a number")
    };
    let open = { open }();
    assert!((900..=1024).contains(&open), "{open}");
    // The oldest were closed first.
    idle[1].set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    match idle[1].read(&mut [0; 1]) {
        Ok(read) => assert_eq!(read, 0),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

#[test]
fn a_client_that_goes_away_takes_its_request_with_it() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let texts: Vec<String> = (0..3000)
        .map(|n| format!("第{n}条工单，申请退款"))
        .collect();
    let body = json!({"input": texts, "encoding_format": "base64"}).to_string();
    let stream = TcpStream::connect(&address).unwrap();
    let head = "POST /v1/embeddings HTTP/1.1\r\nhost: localhost\r\ncontent-length:";
    write!(&stream, "{head} {}\r\n\r\n{body}", body.len()).unwrap();
    let mut http = HttpConnection::tcp(&address);
    let mut has = |line: &str| http.get("/metrics").text().contains(line);
    wait_until("the request to be at work", || !has("gte_queue_texts 0\n"));
    stream.shutdown(Shutdown::Both).unwrap();
    drop(stream);
    let gone = r#"gte_http_requests_total{route="/v1/embeddings",method="POST",status="499"} 1"#;
    wait_until("the request to be dropped", || has(gone));
    wait_until("its texts to be dropped", || has("gte_queue_texts 0\n"));
    assert_answers(&address);
}
