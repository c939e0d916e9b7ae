//! Many requests at a time: they wait for each other, and are dropped with their clients.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gte_daemon::{engine, serve};
use gte_shared::client::{Client, Notice, Start};
use gte_shared::wire::codec::{decode, encode};
use gte_shared::wire::{Embed, GetStatus, ReplyEnvelope, Request, TextOptions};

use crate::daemon::{Daemon, SHORT};
use crate::timeouts::{frame, greeting};
use crate::work::{poll_until, texts, wait_for_lone_batch, wait_for_pending_texts};

/// Room for four requests of [`large`], two for each connection, and for small ones.
fn little_room() -> serve::Limits {
    serve::Limits {
        request_bytes: 8 << 20,
        ..serve::Limits::default()
    }
}

/// A medium request (240 KB at work), whose first text is `first`.
fn large(first: &str) -> Embed {
    let others = (0..310).map(|n| format!("{n}"));
    Embed {
        options: TextOptions::default(),
        texts: std::iter::once(first.to_owned()).chain(others).collect(),
    }
}

/// Opens a connection whose first request keeps the model waiting, and sends further ones once it
/// does.
async fn stream_with(daemon: &Daemon, requests: impl IntoIterator<Item = Embed>) -> UnixStream {
    let status = daemon.client().await;
    let mut requests = requests.into_iter();
    let mut stream = daemon.stream();
    let first = frames(1, requests.next());
    stream.write_all(&[greeting(), first].concat()).unwrap();
    let batches = || async { daemon.batches.lock().unwrap().len() == 1 };
    poll_until(batches).await;
    assert!(status.call(GetStatus).await.unwrap().pending_texts > 0);
    stream.write_all(&frames(2, requests)).unwrap();
    stream
}

/// Frames of requests in the binary protocol, with ids from `first` on.
fn frames(first: u64, requests: impl IntoIterator<Item = Embed>) -> Vec<u8> {
    let numbered = (first..).zip(requests);
    let encoded = numbered.map(|(id, embed)| {
        let request = (id, Request::from(embed));
        frame(&encode(&request).unwrap())
    });
    encoded.collect::<Vec<_>>().concat()
}

/// Reads as many replies after the welcome, and returns their ids in order.
fn read_replies(stream: &mut impl Read, count: usize) -> Vec<u64> {
    let mut payload = || {
        let mut length = [0; 4];
        stream.read_exact(&mut length).unwrap();
        let mut payload = vec![0; u32::from_le_bytes(length) as usize];
        stream.read_exact(&mut payload).unwrap();
        payload
    };
    payload();
    let reply = |_| {
        let (id, outcome) = decode::<ReplyEnvelope>(&payload()).unwrap();
        outcome.unwrap();
        id
    };
    let mut ids: Vec<u64> = (0..count).map(reply).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_daemon_lets_requests_wait_and_clients_try_again() {
    let limits = serve::Limits {
        admission_timeout: SHORT,
        ..little_room()
    };
    let daemon = Daemon::start(limits, engine::Limits::default());
    let status = daemon.client().await;
    let mut busy = Vec::new();
    for (first, number) in ["…1", "2", "3", "4"].into_iter().zip(1..) {
        let client = daemon.client().await;
        busy.push(tokio::spawn(async move { client.call(large(first)).await }));
        // The first keeps the model waiting: the others must not come before it.
        wait_for_pending_texts(&status, number * 311).await;
    }

    let notices = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&notices);
    let notify = move |notice: &Notice| {
        assert_eq!(*notice, Notice::Busy);
        counted.fetch_add(1, Ordering::Relaxed);
    };
    let late = Client::with_notices(daemon.endpoint.clone(), Start::Never, notify);
    let late = tokio::spawn(async move { late.call(large("5")).await });
    // It has been refused, and waits.
    poll_until(|| async { notices.load(Ordering::Relaxed) == 1 }).await;
    assert!(!late.is_finished());
    // The others have room for small requests, and a script is told.
    let mut line = daemon.stream();
    let answer = tokio::task::spawn_blocking(move || {
        // Vectors take twice as much in JSON.
        let texts = serde_json::to_string(&large("6").texts[..130]).unwrap();
        writeln!(line, "{{\"texts\":{texts}}}").unwrap();
        line.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        line.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    assert!(answer.contains("\"code\":\"overloaded\""), "{answer}");
    assert!(answer.contains("\"hint\""), "{answer}");

    daemon.proceed.send(()).unwrap();
    for busy in busy {
        assert_eq!(busy.await.unwrap().unwrap().result.len(), 311);
    }
    assert_eq!(late.await.unwrap().unwrap().result.len(), 311);
    assert_eq!(notices.load(Ordering::Relaxed), 1, "it is told once");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_leaves_room_to_others() {
    let daemon = Daemon::start(little_room(), engine::Limits::default());
    let status = daemon.client().await;
    let requests = (0..20).map(|n| large(if n == 0 { "…" } else { "甲" }));
    let mut greedy = stream_with(&daemon, requests).await;
    // At most half of the room, with all the texts of its requests.
    let other = daemon.client().await;
    let other = tokio::spawn(async move { other.call(large("乙")).await });
    poll_until(|| async { status.call(GetStatus).await.unwrap().pending_texts == 3 * 311 }).await;
    daemon.proceed.send(()).unwrap();
    assert_eq!(other.await.unwrap().unwrap().result.len(), 311);
    let ids = tokio::task::spawn_blocking(move || read_replies(&mut greedy, 20));
    assert_eq!(ids.await.unwrap(), (1..=20).collect::<Vec<u64>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_over_the_limit_of_a_connection_are_not_read() {
    let two = serve::Limits {
        requests_in_flight: 2,
        ..serve::Limits::default()
    };
    let daemon = Daemon::start(two, engine::Limits::default());
    let status = daemon.client().await;
    let requests = ["…", "甲", "乙"].map(|text| texts(&[text]));
    let mut stream = stream_with(&daemon, requests).await;
    wait_for_pending_texts(&status, 2).await;
    // Its third request is in the socket.
    assert_eq!(status.call(GetStatus).await.unwrap().pending_texts, 2);
    daemon.proceed.send(()).unwrap();
    let ids = tokio::task::spawn_blocking(move || read_replies(&mut stream, 3));
    assert_eq!(ids.await.unwrap(), [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn work_of_a_client_that_has_gone_is_not_computed() {
    let daemon = Daemon::start(serve::Limits::default(), engine::Limits::default());
    let status = daemon.client().await;
    let requests = ["…", "1", "2", "3", "4"].map(large);
    let binary = stream_with(&daemon, requests).await;
    let mut json = daemon.stream();
    let texts = serde_json::to_string(&large("5").texts).unwrap();
    writeln!(json, "{{\"texts\":{texts}}}").unwrap();
    wait_for_pending_texts(&status, 6 * 311).await;
    drop((binary, json));
    wait_for_pending_texts(&status, 0).await;
    daemon.proceed.send(()).unwrap();
    // The batch that was at work, and this one.
    status.call(self::texts(&["甲"])).await.unwrap();
    let batches = daemon.batches.lock().unwrap().clone();
    assert_eq!(batches.len(), 2, "{batches:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_disconnects_drops_its_request() {
    let daemon = Daemon::start(serve::Limits::default(), engine::Limits::default());
    let status = daemon.client().await;
    let client = Arc::new(daemon.client().await);
    let calling = Arc::clone(&client);
    let call = tokio::spawn(async move { calling.call(texts(&["…"])).await });
    wait_for_pending_texts(&status, 1).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    client.disconnect().await;
    wait_for_pending_texts(&status, 0).await;
    daemon.proceed.send(()).unwrap();
    client.call(texts(&["甲"])).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_closes_its_writing_side_gets_its_replies() {
    let daemon = Daemon::start(serve::Limits::default(), engine::Limits::default());
    let status = daemon.client().await;
    let requests = ["…", "甲", "乙"].map(|text| texts(&[text]));
    let mut stream = stream_with(&daemon, requests).await;
    stream.shutdown(Shutdown::Write).unwrap();
    wait_for_pending_texts(&status, 3).await;
    // Longer than the daemon takes to notice a client that has gone.
    tokio::time::sleep(6 * SHORT).await;
    daemon.proceed.send(()).unwrap();
    let ids = tokio::task::spawn_blocking(move || {
        let ids = read_replies(&mut stream, 3);
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"");
        ids
    });
    assert_eq!(ids.await.unwrap(), [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_fails_fails_no_other_client() {
    let daemon = Daemon::start(serve::Limits::default(), engine::Limits::default());
    let status = daemon.client().await;
    let mut calls = Vec::new();
    for text in ["…", "甲", "!", "?", "乙"] {
        let client = daemon.client().await;
        calls.push(tokio::spawn(
            async move { client.call(texts(&[text])).await },
        ));
        wait_for_pending_texts(&status, calls.len() as u64).await;
        if calls.len() == 1 {
            wait_for_lone_batch(&daemon).await;
        }
    }
    // The texts after the first share a batch.
    daemon.proceed.send(()).unwrap();
    let mut outcomes = Vec::new();
    for call in calls {
        outcomes.push(call.await.unwrap().is_ok());
    }
    assert_eq!(outcomes, [true, true, false, false, true]);
    assert_eq!(daemon.batches.lock().unwrap()[..2], [1, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn draining_gives_up_at_its_timeout() {
    let limits = serve::Limits {
        drain_timeout: SHORT,
        ..serve::Limits::default()
    };
    let daemon = Daemon::start(limits, engine::Limits::default());
    let client = daemon.client().await;
    let status = daemon.client().await;
    tokio::spawn(async move { client.call(texts(&["…"])).await });
    wait_for_pending_texts(&status, 1).await;
    daemon.service.stop();
    daemon.serving.await.unwrap();
    daemon.proceed.send(()).unwrap();
}
