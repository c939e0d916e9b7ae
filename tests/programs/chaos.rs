//! Two hundred clients at a time, among them slow, broken and vanishing ones, and a daemon that is
//! killed again and again. `GTE_CHAOS_SECONDS` sets the duration, 10 seconds if it is not set.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use gte_tests::{Sandbox, TEST_TIMEOUT, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Clients that ask for scores over the socket.
const SOCKET_CLIENTS: usize = 160;

/// Clients that run `gte` again and again, and start the daemon when it is gone.
const COMMAND_CLIENTS: usize = 10;

/// Clients of each kind that does something wrong.
const WRONG_CLIENTS: usize = 10;

/// Pairs whose scores are known.
const PAIRS: usize = 40;

/// Most descriptors of an idle daemon: standard streams, lock, socket, and those of the runtime.
const IDLE_DESCRIPTORS: usize = 20;

/// Most resident memory of a daemon that all clients have left: the model and the cache.
const IDLE_BYTES: u64 = 200_000_000;

fn pair(n: usize) -> (String, String) {
    (format!("第{n}条退款流程"), format!("怎么申请第{n}次退款"))
}

/// Scores of the pairs from an undisturbed daemon.
fn known_scores(sandbox: &Sandbox) -> HashMap<usize, Value> {
    let score = |n: usize| {
        let (a, b) = pair(n);
        let scored = sandbox.run(&["sim", &a, &b, "--json"]).json();
        (n, scored["cosine"].clone())
    };
    (0..PAIRS).map(score).collect()
}

/// State that all clients share.
struct Shared {
    socket: std::path::PathBuf,
    scores: HashMap<usize, Value>,
    over: AtomicBool,
    answers: AtomicUsize,
    ends: AtomicUsize,
}

impl Shared {
    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }

    fn connect(&self) -> Option<UnixStream> {
        let stream = UnixStream::connect(&self.socket).ok()?;
        stream
            .set_read_timeout(Some(TEST_TIMEOUT))
            .expect("a socket has a timeout");
        Some(stream)
    }

    /// Asks for scores over one connection until it ends or the test is over.
    fn ask(&self, mut n: usize) {
        let Some(stream) = self.connect() else {
            // The daemon has been killed, and no command has started another one yet.
            return sleep(Duration::from_millis(20));
        };
        let mut stream = BufReader::new(stream);
        while self.goes_on() {
            n = (n * 7 + 3) % PAIRS;
            let (a, b) = pair(n);
            let line = format!("{}\n", serde_json::json!({ "a": a, "b": b, "id": n }));
            let mut reply = String::new();
            let sent = stream.get_mut().write_all(line.as_bytes());
            match sent.and_then(|()| stream.read_line(&mut reply)) {
                // Killed before it answered, or in the middle of its answer.
                Ok(_) if !reply.ends_with('\n') => {
                    return self.ended();
                }
                Ok(_) => self.check(n, &serde_json::from_str(&reply).expect("the reply is JSON")),
                Err(error) => {
                    let kind = error.kind();
                    assert!(
                        matches!(
                            kind,
                            std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::ConnectionReset
                        ),
                        "no answer and no end: {error}"
                    );
                    return self.ended();
                }
            }
        }
    }

    fn ended(&self) {
        self.ends.fetch_add(1, Ordering::Relaxed);
    }

    fn check(&self, n: usize, reply: &Value) {
        assert_eq!(reply["id"], n, "{reply}");
        assert_eq!(reply["cosine"], self.scores[&n], "{reply}");
        self.answers.fetch_add(1, Ordering::Relaxed);
    }

    /// Sends a request, a byte per second.
    fn trickle(&self) {
        let Some(mut stream) = self.connect() else {
            return sleep(Duration::from_millis(20));
        };
        for byte in br#"{"a":"slow","b":"client"}"#.iter().cycle() {
            if !self.goes_on() || stream.write_all(&[*byte]).is_err() {
                return;
            }
            sleep(Duration::from_secs(1));
        }
    }

    /// Sends garbage and reads what comes.
    fn babble(&self, seed: usize) {
        let Some(mut stream) = self.connect() else {
            return sleep(Duration::from_millis(20));
        };
        let garbage: Vec<u8> = (seed..seed + 300)
            .map(|n| u8::try_from(n * 31 % 251).expect("below 251"))
            .collect();
        let opening = [&b"GTE1"[..], b"{", b"", b"GTE1\x07\0\0\0\x05\x05hello"][seed % 4];
        drop(stream.write_all(&[opening, &garbage].concat()));
        drop(stream.shutdown(std::net::Shutdown::Write));
        drop(stream.read_to_end(&mut Vec::new()));
    }

    /// Sends a large request and leaves.
    fn vanish(&self, seed: usize) {
        if let Some(mut stream) = self.connect() {
            let texts: Vec<String> = (0..2000).map(|n| format!("{seed}号{n}行")).collect();
            let line = serde_json::json!({ "query": "行", "texts": texts });
            drop(writeln!(stream, "{line}"));
        }
        sleep(Duration::from_millis(200));
    }
}

fn duration() -> Duration {
    let seconds = std::env::var("GTE_CHAOS_SECONDS").ok();
    Duration::from_secs(seconds.map_or(10, |seconds| seconds.parse().expect("a number")))
}

fn daemon_pid(sandbox: &Sandbox) -> Option<Pid> {
    let output = sandbox.run(&["status", "--json"]);
    let status: Value = serde_json::from_str(&output.stdout).ok()?;
    Pid::from_raw(i32::try_from(status["pid"].as_i64()?).ok()?)
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn two_hundred_clients_and_a_daemon_that_is_killed() {
    let sandbox = Sandbox::default();
    let shared = Arc::new(Shared {
        socket: sandbox.socket(),
        scores: known_scores(&sandbox),
        over: AtomicBool::new(false),
        answers: AtomicUsize::new(0),
        ends: AtomicUsize::new(0),
    });
    let start = Instant::now();
    // Three times in the short form, every ten seconds in the long one.
    let between_kills = (duration() / 4).min(Duration::from_secs(10));
    std::thread::scope(|scope| {
        let spawn = |count: usize, client: fn(&Shared, usize)| {
            for n in 0..count {
                let shared = Arc::clone(&shared);
                scope.spawn(move || {
                    let mut round = n;
                    while shared.goes_on() {
                        client(&shared, round);
                        round += count;
                    }
                });
            }
        };
        spawn(SOCKET_CLIENTS, Shared::ask);
        spawn(WRONG_CLIENTS, |shared, _| shared.trickle());
        spawn(WRONG_CLIENTS, Shared::babble);
        spawn(WRONG_CLIENTS, Shared::vanish);
        for n in 0..COMMAND_CLIENTS {
            let (shared, sandbox) = (Arc::clone(&shared), &sandbox);
            scope.spawn(move || {
                let mut n = n;
                while shared.goes_on() {
                    n = (n + 1) % PAIRS;
                    let (a, b) = pair(n);
                    let output = sandbox.run(&["sim", &a, &b, "--json"]);
                    if output.status.success() {
                        let scored: Value = serde_json::from_str(&output.stdout).expect("JSON");
                        assert_eq!(scored["cosine"], shared.scores[&n], "{scored}");
                        shared.answers.fetch_add(1, Ordering::Relaxed);
                    } else {
                        // Killed while it answered, twice, or while it started.
                        let clean = ["closed the connection", "could not start"];
                        let clean = clean.iter().any(|words| output.stderr.contains(words));
                        assert!(clean, "{output:?}");
                        shared.ended();
                    }
                }
            });
        }
        while start.elapsed() + between_kills < duration() {
            sleep(between_kills);
            if let Some(pid) = daemon_pid(&sandbox) {
                // It may have ended by itself, which the answers would show.
                kill_process(pid, Signal::KILL).ok();
            }
        }
        sleep(duration().saturating_sub(start.elapsed()));
        shared.over.store(true, Ordering::Relaxed);
    });

    let (answers, ends) = (&shared.answers, &shared.ends);
    assert!(answers.load(Ordering::Relaxed) > 1000, "{answers:?}");
    assert!(ends.load(Ordering::Relaxed) > 0, "{ends:?}");
    // All clients have left: nothing of them stays.
    sandbox.run(&["sim", "甲", "乙"]).success();
    let pid = daemon_pid(&sandbox).expect("a daemon runs");
    let status = || sandbox.run(&["status", "--json"]).json();
    wait_until("an idle daemon", || {
        let status = status();
        status["connections"] == 1 && status["pending_texts"] == 0
    });
    let process = Path::new("/proc").join(pid.as_raw_nonzero().to_string());
    wait_until("few descriptors", || {
        count(&process.join("fd")) <= IDLE_DESCRIPTORS
    });
    let resident = status()["resident_bytes"].as_u64().expect("a number");
    assert!(resident < IDLE_BYTES, "{resident}");
}
