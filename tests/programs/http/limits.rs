//! Clients that are too slow, too large, too many, or not what they seem.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use gte_tests::{Daemon, HttpConnection, Sandbox, TEST_TIMEOUT, wait_until};
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

#[test]
fn shapes_that_two_servers_read_differently_are_refused() {
    let sandbox = Sandbox::default();
    let (_daemon, address) = Daemon::start_http(&sandbox, &[]);
    let hidden = "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for head in [
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 5",
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5, 5",
        "content-length: +5",
        "content-length: -1",
        "content-length: 0x5",
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked, identity",
        "transfer-encoding : chunked",
        "x: y\r\n transfer-encoding: chunked",
        "content-length: 99999999999999999999",
    ] {
        let mut http = HttpConnection::tcp(&address);
        let request =
            format!("POST /embed HTTP/1.1\r\nhost: localhost\r\n{head}\r\n\r\n0\r\n\r\n{hidden}");
        let first = http.exchange(request.as_bytes());
        let first = first.map_or(400, |reply| reply.status);
        assert_eq!(first, 400, "{head}");
        assert!(
            http.reply().is_none(),
            "{head}: the connection is not used again"
        );
    }
    // Broken chunks end a request as well.
    for body in [
        "5\r\nabc",
        "zz\r\n",
        "ffffffffffffffff1\r\n",
        "3;a=b\r\nabcd\r\n0\r\n\r\n",
    ] {
        let mut http = HttpConnection::tcp(&address);
        let head = "POST /embed HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
        http.send(format!("{head}{body}").as_bytes()).unwrap();
        http.finish();
        let status = http.reply().map_or(400, |reply| reply.status);
        assert_eq!(status, 400, "{body}");
    }
    assert_answers(&address);
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
    rustix::process::setrlimit(
        rustix::process::Resource::Nofile,
        rustix::process::Rlimit {
            current: Some(8192),
            maximum: rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum,
        },
    )
    .expect("the test may open so many");
    let mut idle = Vec::new();
    for number in 0..5000 {
        let mut stream = TcpStream::connect(&address).expect("connections are accepted");
        // Some have begun a request.
        if number % 3 == 0 {
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
    idle[0].set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    assert_eq!(idle[0].read(&mut [0; 1]).unwrap_or(0), 0);
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
    let mut pending = || {
        let metrics = http.get("/metrics");
        let metrics = metrics.text().to_owned();
        metrics.contains("gte_queue_texts 0")
    };
    wait_until("the request to be at work", || !pending());
    stream.shutdown(Shutdown::Both).unwrap();
    drop(stream);
    wait_until("the request to be dropped", pending);
    assert_answers(&address);
}
