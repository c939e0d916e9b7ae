//! Many requests at a time, through real sockets: fair, bounded, and dropped with their clients.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Stdio;

use gte_shared::wire::{Embed, Rank};
use gte_tests::{
    Daemon, GOLDEN_A, GOLDEN_B, Sandbox, fixture, has_golden_score, wait_for, wait_until,
};
use rustix::fs::OFlags;
use rustix::process::Signal;
use serde_json::Value;

use crate::models::convert;
use crate::wire::frames::{connect, reply, send_request};

const PAIR: [&str; 4] = ["sim", GOLDEN_A, GOLDEN_B, "--no-start"];

const BUILTIN: &str = "bge-small-zh-v1.5";

fn status(sandbox: &Sandbox) -> Value {
    sandbox.run(&["status", "--json"]).json()
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

/// Texts that take a model about ten milliseconds each, all different.
fn long_texts(count: usize) -> Vec<String> {
    (0..count)
        .map(|n| format!("{n}{}", "长".repeat(400)))
        .collect()
}

/// Time that a daemon has computed, in ticks of 10 ms: `utime` of proc_pid_stat(5).
fn cpu_ticks(daemon: &Daemon) -> u64 {
    let path = format!("/proc/{}/stat", daemon.pid().as_raw_nonzero());
    let stat = fs::read_to_string(path).expect("the daemon runs");
    let (_, fields) = stat.rsplit_once(')').expect("the name is in parentheses");
    let utime = fields
        .split_whitespace()
        .nth(11)
        .expect("it has many fields");
    utime.parse().expect("a number")
}

#[test]
fn work_of_a_client_that_vanishes_is_dropped() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut stream = connect(&daemon, &sandbox);
    let (query, texts) = ("长".to_owned(), long_texts(10_000));
    send_request(
        &mut stream,
        1,
        Rank {
            query,
            texts,
            ..Rank::default()
        },
    );
    let texts = long_texts(10_000);
    let mut json = daemon.connect(&sandbox);
    let line = serde_json::json!({ "query": "长", "texts": texts }).to_string();
    json.write_all(line.as_bytes()).expect("a line can be sent");
    json.write_all(b"\n").expect("a line can be sent");
    wait_until("pending texts", || {
        number(&status(&sandbox)["pending_texts"]) == 20_002
    });
    drop((stream, json));
    wait_until("no pending texts", || {
        number(&status(&sandbox)["pending_texts"]) == 0
    });
    // The threads of the model rest, too, instead of minutes of work.
    wait_until("rest", || {
        let before = cpu_ticks(&daemon);
        std::thread::sleep(std::time::Duration::from_millis(300));
        cpu_ticks(&daemon) - before <= 2
    });
}

#[test]
fn others_are_answered_beside_a_greedy_client() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let mut greedy = connect(&daemon, &sandbox);
    let texts = long_texts(2048);
    for id in 1..=64 {
        // Most of them wait in the socket, which must not keep this test waiting.
        if id == 3 {
            greedy.set_nonblocking(true).expect("a socket can be set");
        }
        let texts = texts.iter().map(|text| format!("{id}{text}")).collect();
        let request = gte_shared::wire::Request::from(Embed {
            texts,
            ..Embed::default()
        });
        let payload = gte_shared::wire::codec::encode(&(id, request)).expect("it encodes");
        let length = u32::try_from(payload.len()).expect("short").to_le_bytes();
        if greedy.write_all(&[&length[..], &payload].concat()).is_err() {
            break;
        }
    }
    wait_until("pending texts", || {
        number(&status(&sandbox)["pending_texts"]) > 2048
    });
    assert!(has_golden_score(&sandbox.run(&PAIR).success()));
    let pairs: String = (0..300).map(|n| format!("第{n}行\t第{n}列\n")).collect();
    let batch = sandbox.run_with(&["batch"], pairs).success();
    assert_eq!(batch.lines().count(), 300);
    // The greedy one is far from its end.
    assert!(number(&status(&sandbox)["pending_texts"]) > 2048);
    drop(greedy);
    wait_until("no pending texts", || {
        number(&status(&sandbox)["pending_texts"]) == 0
    });
}

#[test]
fn replies_that_are_not_read_take_bounded_memory() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    sandbox.run(&PAIR).success();
    let mut slow = connect(&daemon, &sandbox);
    let before = status(&sandbox);
    let texts = vec![GOLDEN_A.to_owned(); 7800];
    let mut requests = slow.try_clone().expect("a socket can be cloned");
    let sending = std::thread::spawn(move || {
        for id in 1..=128 {
            let texts = texts.clone();
            send_request(
                &mut requests,
                id,
                Embed {
                    texts,
                    ..Embed::default()
                },
            );
        }
    });
    // Two replies have room; the third request waits for them.
    wait_until("two answers", || {
        number(&status(&sandbox)["texts"]) >= number(&before["texts"]) + 2 * 7800
    });
    let resident = |status: &Value| number(&status["resident_bytes"]);
    let grown = resident(&status(&sandbox)) - resident(&before);
    assert!(grown < 200_000_000, "{grown}");
    assert!(has_golden_score(&sandbox.run(&PAIR).success()));
    for _ in 0..128 {
        reply(&mut slow).1.expect("it is answered");
    }
    sending.join().expect("the thread does not panic");
    let grown = resident(&status(&sandbox)) - resident(&before);
    assert!(grown < 200_000_000, "{grown}");
}

#[test]
fn a_json_reply_that_cannot_fit_is_not_computed() {
    let sandbox = Sandbox::default();
    let daemon = Daemon::start(&sandbox, &[]);
    let texts: Vec<String> = (0..3000).map(|n| n.to_string()).collect();
    let request = serde_json::json!({ "texts": texts }).to_string();
    let mut connection = daemon.connect_json(&sandbox);
    let refused = connection.ask(&request);
    assert_eq!(refused["code"], "too_large", "{refused}");
    assert_eq!(number(&status(&sandbox)["texts"]), 0);
    let few = serde_json::json!({ "texts": texts[..1500] }).to_string();
    let answered = connection.ask(&few);
    assert_eq!(answered["results"].as_array().map(Vec::len), Some(1500));
}

#[test]
fn a_command_fails_when_another_model_answers() {
    let sandbox = Sandbox::default();
    convert(&sandbox, &fixture("tiny-bert/hf"), "tiny").success();
    let _daemon = Daemon::start(&sandbox, &[]);
    for (arguments, line) in [
        (&["embed"][..], "甲\n"),
        (&["batch"], "甲\t乙\n"),
        (&["rank", "甲"], "乙\n"),
    ] {
        sandbox.gted(&["use", BUILTIN]).success();
        let mut command = sandbox.gte(arguments);
        let mut child = command.stdin(Stdio::piped()).spawn().expect("gte starts");
        let mut stdin = child.stdin.take().expect("stdin is piped");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut send = || {
            stdin
                .write_all(line.as_bytes())
                .expect("a line can be sent");
        };
        let texts = number(&status(&sandbox)["texts"]);
        send();
        wait_until("the first answer", || {
            number(&status(&sandbox)["texts"]) > texts
        });
        sandbox.gted(&["use", "tiny"]).success();
        send();
        drop(stdin);
        let mut printed = String::new();
        std::io::Read::read_to_string(&mut stdout, &mut printed).expect("stdout is text");
        let output = child.wait_with_output().expect("gte ends");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {stderr}");
        assert!(stderr.contains("answers now"), "{stderr}");
        let lines = usize::from(arguments[0] != "rank");
        assert_eq!(printed.lines().count(), lines, "{arguments:?}");
    }
}

#[test]
fn a_command_fails_when_texts_are_read_in_another_way() {
    let sandbox = Sandbox::default();
    let mut first = Daemon::start(&sandbox, &[]);
    let mut command = sandbox.gte(&["batch", "--no-start"]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("gte starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
    let mut line = String::new();
    writeln!(stdin, "甲\t乙").expect("a line can be sent");
    stdout.read_line(&mut line).expect("it is answered");
    sandbox.run(&["stop"]).success();
    first.wait();
    let _second = Daemon::start(&sandbox, &["--text-steps", "none"]);
    writeln!(stdin, "丙\t丁").expect("a line can be sent");
    drop(stdin);
    let output = child.wait_with_output().expect("gte ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("is set otherwise than for the lines before"),
        "{stderr}"
    );
}

/// Replaces a file of an installed model by a pipe, so that loading the model waits until the test
/// writes the content. Returns the content.
fn block_loading(sandbox: &Sandbox, name: &str) -> Vec<u8> {
    let file = tokenizer(sandbox, name);
    let content = fs::read(&file).expect("the file exists");
    fs::remove_file(&file).expect("a file can be removed");
    let made = std::process::Command::new("mkfifo").arg(&file).status();
    assert!(made.expect("mkfifo can be run").success());
    content
}

fn tokenizer(sandbox: &Sandbox, name: &str) -> std::path::PathBuf {
    sandbox.models().join(name).join("tokenizer.json")
}

/// Waits until the daemon has begun to read the pipe, and returns its other end.
fn wait_for_loading(pipe: &Path) -> fs::File {
    wait_for("the loading of the model", || {
        // Fails as long as nobody reads (fifo(7)).
        let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
        let mut options = fs::OpenOptions::new();
        options
            .write(true)
            .custom_flags(nonblocking)
            .open(pipe)
            .ok()
    })
}

/// Lets the daemon read the content to its end.
fn go_on_loading(pipe: &Path, mut end: fs::File, content: &[u8]) {
    rustix::fs::fcntl_setfl(&end, OFlags::empty()).expect("a pipe can be set");
    fs::remove_file(pipe).expect("a file can be removed");
    fs::write(pipe, content).expect("a file can be written");
    end.write_all(content).expect("the daemon reads it");
}

#[test]
fn requests_are_answered_while_another_model_is_loaded() {
    let sandbox = Sandbox::default();
    convert(&sandbox, &fixture("tiny-bert/hf"), "tiny").success();
    let content = block_loading(&sandbox, "tiny");
    let _daemon = Daemon::start(&sandbox, &[]);
    std::thread::scope(|scope| {
        let using = scope.spawn(|| sandbox.gted(&["use", "tiny"]));
        let end = wait_for_loading(&tokenizer(&sandbox, "tiny"));
        for _ in 0..3 {
            let scored = sandbox.run(&["sim", GOLDEN_A, GOLDEN_B, "--json"]).json();
            assert_eq!(scored["model"], BUILTIN);
        }
        assert!(!using.is_finished());
        go_on_loading(&tokenizer(&sandbox, "tiny"), end, &content);
        using.join().expect("it does not panic").success();
    });
    let scored = sandbox.run(&["sim", "a b", "b c", "--json"]).json();
    assert_eq!(scored["model"], "tiny");
}

#[test]
fn two_uses_at_once_follow_each_other() {
    let sandbox = Sandbox::default();
    for name in ["one", "other"] {
        convert(&sandbox, &fixture("tiny-bert/hf"), name).success();
    }
    let content = block_loading(&sandbox, "one");
    let _daemon = Daemon::start(&sandbox, &[]);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| sandbox.gted(&["use", "one"]));
        let end = wait_for_loading(&tokenizer(&sandbox, "one"));
        let second = scope.spawn(|| sandbox.gted(&["use", "other"]));
        wait_until("the second", || {
            number(&status(&sandbox)["connections"]) == 3
        });
        go_on_loading(&tokenizer(&sandbox, "one"), end, &content);
        for using in [first, second] {
            using.join().expect("it does not panic").success();
        }
    });
    // The daemon and its next start agree.
    assert_eq!(status(&sandbox)["model"]["id"], "other");
    sandbox.run(&["stop"]).success();
    let scored = sandbox.run(&["sim", "a b", "b c", "--json"]).json();
    assert_eq!(scored["model"], "other");
}

#[test]
fn a_drain_waits_for_a_model_that_is_being_loaded() {
    let sandbox = Sandbox::default();
    convert(&sandbox, &fixture("tiny-bert/hf"), "tiny").success();
    let content = block_loading(&sandbox, "tiny");
    let mut daemon = Daemon::start(&sandbox, &[]);
    std::thread::scope(|scope| {
        let using = scope.spawn(|| sandbox.gted(&["use", "tiny"]));
        let end = wait_for_loading(&tokenizer(&sandbox, "tiny"));
        daemon.signal(Signal::TERM);
        daemon.wait_for("draining");
        go_on_loading(&tokenizer(&sandbox, "tiny"), end, &content);
        using.join().expect("it does not panic").success();
    });
    assert_eq!(daemon.wait().code(), Some(0));
    let scored = sandbox.run(&["sim", "a b", "b c", "--json"]).json();
    assert_eq!(scored["model"], "tiny");
}

#[test]
fn answers_come_while_lines_are_still_being_written() {
    let sandbox = Sandbox::default();
    let _daemon = Daemon::start(&sandbox, &[]);
    let mut command = sandbox.gte(&["batch"]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("gte starts");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
    for n in 0..3 {
        writeln!(stdin, "第{n}行\t第{n}列").expect("a line can be sent");
        let mut answer = String::new();
        stdout.read_line(&mut answer).expect("an answer comes");
        assert!(answer.contains(&format!("第{n}行")), "{answer}");
    }
    drop(stdin);
    assert!(child.wait().expect("gte ends").success());
}
