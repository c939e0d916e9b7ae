//! Vectors in a real Redis server, for several daemons.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gte_tests::{Daemon, GOLDEN_A, GOLDEN_B, HttpConnection, Sandbox, wait_for, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::models::{copy_folder, utf8};

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
        let own = format!("process_id:{}\r\n", redis.server.id());
        wait_until("redis-server to answer", || {
            // Another test's server may have taken the port.
            redis
                .try_ask("INFO server")
                .is_some_and(|info| info.contains(&own))
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

    /// Number of vectors.
    fn size(&self) -> u64 {
        let reply = self.ask("DBSIZE");
        let number = reply.trim_start_matches(':').trim_end();
        number.parse().expect("a number")
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

/// Time in which vectors are usually kept.
const SOON: Duration = Duration::from_millis(300);

/// A daemon with a shared cache, and a connection to it.
struct Service {
    /// Number of pairs that were kept.
    pairs: usize,
    _daemon: Daemon,
    http: HttpConnection<TcpStream>,
}

impl Service {
    fn start(sandbox: &Sandbox, redis: &Redis) -> Self {
        Self::with(sandbox, redis, &[])
    }

    fn with(sandbox: &Sandbox, redis: &Redis, options: &[&str]) -> Self {
        let url = redis.url();
        let options = [&["--shared-cache", &url], options].concat();
        let (daemon, address) = Daemon::start_http(sandbox, &options);
        Self {
            pairs: 0,
            _daemon: daemon,
            http: HttpConnection::tcp(&address),
        }
    }

    /// Compares pairs until the server has kept the vectors of one, which it may not before the
    /// daemon is connected; returns that pair and its cosine.
    fn keep(&mut self, redis: &Redis) -> (Value, [String; 2]) {
        wait_for("a pair to be kept", || {
            self.pairs += 1;
            let pair = ["a", "b"].map(|text| format!("{text} {}", self.pairs));
            let before = redis.size();
            let cosine = self.compare(&pair[0], &pair[1]);
            let begin = Instant::now();
            while redis.size() < before + 2 && begin.elapsed() < SOON {
                std::thread::yield_now();
            }
            (redis.size() >= before + 2).then_some((cosine, pair))
        })
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

/// Has pairs kept by `one` until `other` has found one, which it may not if a lookup is late.
fn share(one: &mut Service, other: &mut Service, redis: &Redis) {
    wait_until("a pair to be shared", || {
        let (cosine, [a, b]) = one.keep(redis);
        let [before, _, _] = other.counters();
        assert_eq!(other.compare(&a, &b), cosine);
        other.counters()[0] == before + 2
    });
}

#[test]
fn what_one_daemon_has_computed_another_has() {
    let (sandbox, other) = (Sandbox::default(), Sandbox::default());
    let Some(redis) = Redis::start(&sandbox, None) else {
        return;
    };
    let mut service = Service::start(&sandbox, &redis);
    let mut second = Service::start(&other, &redis);
    share(&mut service, &mut second, &redis);
    // Vectors and hashes, which end some day, and nothing of the texts.
    let check = "for _, key in ipairs(redis.call('KEYS', '*')) do \
                 local good = string.sub(key, 1, 4) == 'gte:' and #key == 36 \
                 and redis.call('STRLEN', key) == 4 * 512 + 8 and redis.call('TTL', key) > 2500000 \
                 if not good then return 0 end end return 1";
    assert_eq!(redis.ask(&format!("EVAL \"{check}\" 0")), ":1\r\n");
}

#[test]
fn models_are_told_apart() {
    let (sandbox, other) = (Sandbox::default(), Sandbox::default());
    let Some(redis) = Redis::start(&sandbox, None) else {
        return;
    };
    let tiny = gte_tests::fixture("tiny-bert/hf");
    let copy = other.path().join("elsewhere");
    copy_folder(&tiny, &copy);
    let mut built_in = Service::start(&sandbox, &redis);
    // Letters are the same tokens for both.
    let (_, [a, b]) = built_in.keep(&redis);
    drop(built_in);
    let mut one = Service::with(&sandbox, &redis, &["--model", utf8(&tiny)]);
    one.keep(&redis);
    one.compare(&a, &b);
    assert_eq!(one.counters()[0], 0);
    // The same files at another place, as on another machine.
    let mut same = Service::with(&other, &redis, &["--model", utf8(&copy)]);
    share(&mut one, &mut same, &redis);
}

#[test]
fn a_server_that_is_killed_is_bypassed_until_it_is_back() {
    let sandbox = Sandbox::default();
    let Some(mut redis) = Redis::start(&sandbox, None) else {
        return;
    };
    let mut service = Service::start(&sandbox, &redis);
    let before = service.compare(GOLDEN_A, GOLDEN_B);
    service.keep(&redis);
    let [_, _, faults_before] = service.counters();
    redis.signal(Signal::KILL);
    drop(redis.server.wait());
    // Every request is answered, the first of which finds out.
    let mut faults = 0;
    for number in 0..5 {
        service.compare(&format!("第{number}个问题"), GOLDEN_B);
        faults = service.counters()[2];
    }
    assert!(faults > faults_before);
    assert_eq!(service.compare(GOLDEN_A, GOLDEN_B), before);

    let port = redis.port;
    redis = Redis::start(&sandbox, Some(port)).expect("it could be started before");
    let mut number = 100;
    wait_until("the server to be used again", || {
        number += 1;
        service.compare(&format!("第{number}个问题"), GOLDEN_B);
        redis.size() > 0
    });
}

#[test]
fn a_server_that_stands_still_delays_nobody_for_long() {
    let sandbox = Sandbox::default();
    let Some(redis) = Redis::start(&sandbox, None) else {
        return;
    };
    let mut service = Service::start(&sandbox, &redis);
    service.keep(&redis);
    redis.signal(Signal::STOP);
    let begin = Instant::now();
    // Each answer comes while the server cannot.
    for number in 0..10 {
        service.compare(&format!("第{number}个问题"), &format!("第{number}个回答"));
    }
    let [_, _, faults] = service.counters();
    assert!(faults >= 3, "{faults}");
    // A connection would be given up after a second; lookups are after milliseconds, and pause.
    assert!(
        begin.elapsed() < Duration::from_secs(5) && faults < 10,
        "{faults}"
    );
    redis.signal(Signal::CONT);
    let [_, misses, _] = service.counters();
    let mut number = 100;
    wait_until("the server to be asked again", || {
        number += 1;
        service.compare(&format!("第{number}个问题"), GOLDEN_B);
        service.counters()[1] > misses
    });
}

#[test]
fn a_server_that_is_not_there_is_bypassed() {
    let sandbox = Sandbox::default();
    let url = format!("redis://127.0.0.1:{}", free_port());
    let (daemon, address) = Daemon::start_http(&sandbox, &["--shared-cache", &url]);
    let mut service = Service {
        pairs: 0,
        _daemon: daemon,
        http: HttpConnection::tcp(&address),
    };
    service.compare(GOLDEN_A, GOLDEN_B);
    wait_until("the fault to be counted", || service.counters()[2] > 0);
    assert_eq!(service.counters()[..2], [0, 0]);
}

#[test]
fn a_damaged_vector_is_computed_again_and_replaced() {
    let (sandbox, other) = (Sandbox::default(), Sandbox::default());
    let Some(redis) = Redis::start(&sandbox, None) else {
        return;
    };
    let mut service = Service::start(&sandbox, &redis);
    let (computed, [a, b]) = service.keep(&redis);
    drop(service);
    // One byte of each.
    let damage = "for _, key in ipairs(redis.call('KEYS', '*')) do \
                  redis.call('SETRANGE', key, 7, '!') end return 1";
    assert_eq!(redis.ask(&format!("EVAL \"{damage}\" 0")), ":1\r\n");
    // A daemon finds them damaged and replaces them, and the next one finds them.
    let mut damaged = 0;
    wait_until("another daemon to find them", || {
        let mut second = Service::start(&other, &redis);
        assert_eq!(second.compare(&a, &b), computed);
        let [hits, _, faults] = second.counters();
        damaged += faults;
        hits == 2
    });
    assert!(damaged >= 2, "{damaged}");
}

#[test]
fn an_address_that_is_none_is_refused() {
    let sandbox = Sandbox::default();
    for wrong in [
        "127.0.0.1:6379",
        "rediss://user:secret@127.0.0.1",
        "redis://",
    ] {
        let refused = sandbox.gted(&["serve", "--shared-cache", wrong]);
        assert!(!refused.status.success(), "{refused:?}");
        assert!(
            refused.stderr.contains("expected redis://HOST:PORT"),
            "{refused:?}"
        );
        assert!(!refused.stderr.contains("secret"), "{refused:?}");
    }
    let wrong = "redis://user:secret@host:port";
    let refused = sandbox.gted(&["serve", "--shared-cache", wrong]);
    assert_eq!(refused.code(), Some(4), "{refused:?}");
    let words = "the address of the shared cache cannot be used";
    assert!(refused.stderr.contains(words), "{refused:?}");
    assert!(!refused.stderr.contains("secret"), "{refused:?}");
    let mut config = sandbox.command(gte_tests::gted());
    config.arg("config").env("GTE_SHARED_CACHE", wrong);
    let printed = gte_tests::Output::of(&mut config).success();
    assert!(
        printed.contains("shared_cache\tredis://…@host:port\t"),
        "{printed}"
    );
}
