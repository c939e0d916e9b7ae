//! Vectors in a real Redis server, for several daemons.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use gte_tests::{Daemon, GOLDEN_A, GOLDEN_B, HttpConnection, Sandbox, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::models::utf8;

/// A running server, which ends with this value.
struct Redis {
    server: Child,
    port: u16,
}

impl Redis {
    /// Starts a server at a free port, or at `port`; `None` on a machine without one.
    fn start(sandbox: &Sandbox, port: Option<u16>) -> Option<Self> {
        let port = port.unwrap_or_else(free_port);
        let mut command = Command::new("redis-server");
        command
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--dir", utf8(sandbox.path())])
            .stdout(Stdio::null());
        let Ok(server) = command.spawn() else {
            eprintln!("NOT RUN: a shared cache, no redis-server");
            return None;
        };
        let redis = Self { server, port };
        wait_until("redis-server to answer", || {
            redis
                .try_ask("PING")
                .is_some_and(|reply| reply == "+PONG\r\n")
        });
        Some(redis)
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.server), signal).expect("the server runs");
    }

    /// Sends an inline command; returns all that comes until the server closes or waits.
    fn try_ask(&self, command: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        write!(stream, "{command}\r\nQUIT\r\n").ok()?;
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).ok()?;
        let reply = String::from_utf8_lossy(&reply).into_owned();
        Some(
            reply
                .strip_suffix("+OK\r\n")
                .map_or(reply.clone(), str::to_owned),
        )
    }

    fn ask(&self, command: &str) -> String {
        self.try_ask(command).expect("the server answers")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

/// A daemon with a shared cache, and a connection to it.
struct Service {
    _daemon: Daemon,
    http: HttpConnection<TcpStream>,
}

impl Service {
    fn start(sandbox: &Sandbox, redis: &Redis) -> Self {
        let (daemon, address) = Daemon::start_http(sandbox, &["--shared-cache", &redis.url()]);
        Self {
            _daemon: daemon,
            http: HttpConnection::tcp(&address),
        }
    }

    fn compare(&mut self, a: &str, b: &str) -> Value {
        let pair = json!({"sentence_a": a, "sentence_b": b});
        let reply = self.http.post("/api/similarity", &pair);
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["cosine"].clone()
    }

    /// Hits, misses and faults.
    fn counters(&mut self) -> [u64; 3] {
        let metrics = self.http.get("/metrics").text().to_owned();
        ["hits", "misses", "faults"].map(|name| {
            let name = format!("gte_shared_cache_{name}_total ");
            let value = metrics.lines().find_map(|line| line.strip_prefix(&name));
            value
                .expect("the counter is there")
                .parse()
                .expect("a number")
        })
    }
}

#[test]
fn what_one_daemon_has_computed_another_has() {
    let (sandbox, other) = (Sandbox::default(), Sandbox::default());
    let Some(redis) = Redis::start(&sandbox, None) else {
        return;
    };
    let mut service = Service::start(&sandbox, &redis);
    let computed = service.compare(GOLDEN_A, GOLDEN_B);
    assert_eq!(service.counters(), [0, 2, 0]);
    wait_until("two vectors to be kept", || redis.ask("DBSIZE") == ":2\r\n");
    let mut second = Service::start(&other, &redis);
    assert_eq!(second.compare(GOLDEN_A, GOLDEN_B), computed);
    assert_eq!(second.counters(), [2, 0, 0]);
    // Memory comes first.
    second.compare(GOLDEN_A, GOLDEN_B);
    assert_eq!(second.counters(), [2, 0, 0]);

    // Vectors and hashes, which end some day, and nothing of the texts.
    let key = redis.ask("RANDOMKEY");
    assert!(key.contains("gte:"), "{key}");
    let dump = redis.ask("CONFIG GET dir") + &redis.ask("KEYS *");
    assert!(!dump.contains(GOLDEN_A) && !dump.contains(GOLDEN_B));
    let info = redis.ask("INFO keyspace");
    assert!(info.contains("keys=2,expires=2"), "{info}");
}

#[test]
fn models_are_told_apart() {
    let (sandbox, other) = (Sandbox::default(), Sandbox::default());
    let Some(redis) = Redis::start(&sandbox, None) else {
        return;
    };
    let tiny = gte_tests::fixture("tiny-bert/hf");
    let copy = other.path().join("elsewhere");
    crate::models::copy_folder(&tiny, &copy);
    let options = |model: &std::path::Path| {
        let model = utf8(model).to_owned();
        [
            "--shared-cache".to_owned(),
            redis.url(),
            "--model".to_owned(),
            model,
        ]
    };
    let start = |sandbox: &Sandbox, model: &std::path::Path| {
        let options = options(model);
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let (daemon, address) = Daemon::start_http(sandbox, &options);
        Service {
            _daemon: daemon,
            http: HttpConnection::tcp(&address),
        }
    };
    let mut built_in = Service::start(&sandbox, &redis);
    built_in.compare("a", "b");
    wait_until("two vectors to be kept", || redis.ask("DBSIZE") == ":2\r\n");
    drop(built_in);
    let mut one = start(&sandbox, &tiny);
    let computed = one.compare("a", "b");
    assert_eq!(one.counters(), [0, 2, 0]);
    wait_until("two more to be kept", || redis.ask("DBSIZE") == ":4\r\n");
    // The same files at another place, as on another machine.
    let mut same = start(&other, &copy);
    assert_eq!(same.compare("a", "b"), computed);
    assert_eq!(same.counters(), [2, 0, 0]);
}

#[test]
fn a_server_that_is_killed_is_bypassed_until_it_is_back() {
    let sandbox = Sandbox::default();
    let Some(mut redis) = Redis::start(&sandbox, None) else {
        return;
    };
    let mut service = Service::start(&sandbox, &redis);
    let before = service.compare(GOLDEN_A, GOLDEN_B);
    assert_eq!(service.counters()[2], 0);
    redis.signal(Signal::KILL);
    drop(redis.server.wait());
    // Every request is answered, the first of which finds out.
    let mut faults = 0;
    for number in 0..5 {
        service.compare(&format!("第{number}个问题"), GOLDEN_B);
        faults = service.counters()[2];
    }
    assert!(faults > 0);
    assert_eq!(service.compare(GOLDEN_A, GOLDEN_B), before);

    let port = redis.port;
    redis = Redis::start(&sandbox, Some(port)).expect("it could be started before");
    let mut number = 100;
    wait_until("the server to be used again", || {
        number += 1;
        service.compare(&format!("第{number}个问题"), GOLDEN_B);
        redis.ask("DBSIZE") != ":0\r\n"
    });
}

#[test]
fn a_server_that_stands_still_delays_nobody_for_long() {
    let sandbox = Sandbox::default();
    let Some(redis) = Redis::start(&sandbox, None) else {
        return;
    };
    let mut service = Service::start(&sandbox, &redis);
    service.compare(GOLDEN_A, GOLDEN_B);
    redis.signal(Signal::STOP);
    // Each answer comes while the server cannot.
    service.compare("退款", "退货");
    let [_, _, faults] = service.counters();
    assert!(faults > 0);
    // For a while nobody asks.
    service.compare("发票", "收据");
    assert_eq!(service.counters()[2], faults);
    redis.signal(Signal::CONT);
    let mut number = 0;
    wait_until("the server to be asked again", || {
        number += 1;
        service.compare(&format!("第{number}个问题"), GOLDEN_B);
        service.counters()[1] > 4
    });
}

#[test]
fn a_damaged_vector_is_computed_again() {
    let (sandbox, other) = (Sandbox::default(), Sandbox::default());
    let Some(redis) = Redis::start(&sandbox, None) else {
        return;
    };
    let mut service = Service::start(&sandbox, &redis);
    let computed = service.compare(GOLDEN_A, GOLDEN_B);
    wait_until("two vectors to be kept", || redis.ask("DBSIZE") == ":2\r\n");
    // One byte of each.
    let script = "for _, key in ipairs(redis.call('KEYS', '*')) do \
                  redis.call('SETRANGE', key, 7, '!') end return 1";
    assert_eq!(redis.ask(&format!("EVAL \"{script}\" 0")), ":1\r\n");
    let mut second = Service::start(&other, &redis);
    assert_eq!(second.compare(GOLDEN_A, GOLDEN_B), computed);
    assert_eq!(second.counters(), [0, 2, 2]);
}

#[test]
fn an_address_that_is_none_is_refused() {
    let sandbox = Sandbox::default();
    for wrong in ["127.0.0.1:6379", "rediss://127.0.0.1:6379", "redis://"] {
        let refused = sandbox.gted(&["serve", "--shared-cache", wrong]);
        assert_eq!(refused.code(), Some(2), "{refused:?}");
        assert!(
            refused.stderr.contains("expected redis://HOST:PORT"),
            "{refused:?}"
        );
    }
    let refused = sandbox.gted(&["serve", "--shared-cache", "redis://user:secret@host:port"]);
    assert_eq!(refused.code(), Some(4), "{refused:?}");
    let words = "the address of the shared cache cannot be used";
    assert!(refused.stderr.contains(words), "{refused:?}");
    assert!(!refused.stderr.contains("secret"), "{refused:?}");
}
