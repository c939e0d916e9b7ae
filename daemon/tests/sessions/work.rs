//! Requests that run, fail, wait or are refused, and the end of a daemon.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use gte_daemon::{engine, serve};
use gte_shared::client::{Client, ClientError};
use gte_shared::wire::{Embed, ErrorCode, Explain, GetStatus, TextOptions, UseModel};

use crate::daemon::{Daemon, SHORT};

/// Polls a condition until it is true, for a minute at most.
pub(crate) async fn poll_until<F: Future<Output = bool>>(condition: impl Fn() -> F) {
    let polling = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let minute = Duration::from_mins(1);
    tokio::time::timeout(minute, polling).await.unwrap();
}

pub(crate) async fn wait_for_pending_texts(client: &Client, texts: u64) {
    let counted = || async { client.call(GetStatus).await.unwrap().pending_texts == texts };
    poll_until(counted).await;
}

/// Waits until the model computes a batch of one text, so that what comes now is not part of it.
pub(crate) async fn wait_for_lone_batch(daemon: &Daemon) {
    poll_until(|| async { *daemon.batches.lock().unwrap() == [1] }).await;
}

/// Error code of a refusal.
fn refused(error: ClientError) -> ErrorCode {
    match error {
        ClientError::Refused(reply) => reply.code,
        other => panic!("{other}"),
    }
}

pub(crate) fn texts(texts: &[&str]) -> Embed {
    Embed {
        options: TextOptions::default(),
        texts: texts.iter().map(|text| (*text).to_owned()).collect(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_model_is_a_reply_and_the_next_call_works() {
    let daemon = Daemon::start(serve::Limits::default(), engine::Limits::default());
    let client = daemon.client().await;
    for bad in ["!", "?"] {
        let error = client.call(texts(&["甲", bad])).await.unwrap_err();
        assert_eq!(refused(error), ErrorCode::Internal, "{bad}");
        assert_eq!(client.call(texts(&["甲"])).await.unwrap().result.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_is_one_batch_and_fails_alone() {
    let daemon = Daemon::start(serve::Limits::default(), engine::Limits::default());
    let client = daemon.client().await;
    let explain = |a: &str| Explain {
        a: a.to_owned(),
        b: "乙乙乙乙".to_owned(),
        options: TextOptions::default(),
    };
    let explained = client.call(explain("甲乙丙丁")).await.unwrap().result;
    let words: Vec<&str> = explained.a.iter().map(|word| &*word.word).collect();
    assert_eq!(words, ["甲", "乙", "丙", "丁"]);
    let closest = explained.a.iter().map(|word| word.closest.unwrap().index);
    assert_eq!(
        closest.collect::<Vec<_>>(),
        [0; 4],
        "the first of equal ones"
    );
    // Both texts, one without each of its words, and the other without one of its equal words.
    assert_eq!(*daemon.batches.lock().unwrap(), [7]);
    let again = client.call(explain("甲乙丙丁")).await.unwrap().result;
    assert_eq!(again, explained);
    assert_eq!(*daemon.batches.lock().unwrap(), [7], "all are remembered");
    for bad in ["!甲乙丙", "?甲乙丙"] {
        let error = client.call(explain(bad)).await.unwrap_err();
        assert_eq!(refused(error), ErrorCode::Internal, "{bad}");
        assert_eq!(client.call(texts(&["甲"])).await.unwrap().result.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_explanation_is_not_computed() {
    let daemon = Daemon::start(serve::Limits::default(), engine::Limits::default());
    let (client, other) = (daemon.client().await, daemon.client().await);
    let blocked = tokio::spawn(async move { client.call(texts(&["…"])).await });
    wait_for_lone_batch(&daemon).await;
    let leaving = daemon.client().await;
    let explain = Explain {
        a: "甲乙丙丁".to_owned(),
        b: "乙乙乙乙".to_owned(),
        options: TextOptions::default(),
    };
    let explaining = tokio::spawn(async move { leaving.call(explain).await });
    wait_for_pending_texts(&other, 1 + 10).await;
    explaining.abort();
    wait_for_pending_texts(&other, 1).await;
    daemon.proceed.send(()).unwrap();
    assert!(blocked.await.unwrap().is_ok());
    assert_eq!(*daemon.batches.lock().unwrap(), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_too_long_is_named() {
    let limits = engine::Limits {
        bytes_per_text: 6,
        ..engine::Limits::default()
    };
    let daemon = Daemon::start(serve::Limits::default(), limits);
    let client = daemon.client().await;
    client.call(texts(&["甲乙", "丙"])).await.unwrap();
    match client.call(texts(&["甲乙", "甲乙丙"])).await.unwrap_err() {
        ClientError::Refused(error) => {
            assert_eq!((error.code, error.text), (ErrorCode::TooLarge, Some(1)));
            assert!(error.message.contains("9 bytes"), "{error}");
        }
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_occurs_twice_is_computed_once() {
    let daemon = Daemon::start(serve::Limits::default(), engine::Limits::default());
    let client = daemon.client().await;
    let reply = client.call(texts(&["甲", "乙", "甲", "甲"])).await.unwrap();
    assert_eq!(reply.result[0], reply.result[3]);
    assert_ne!(reply.result[0], reply.result[1]);
    assert_eq!(*daemon.batches.lock().unwrap(), [2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_over_the_limit_waits() {
    let one = serve::Limits {
        connections: 1,
        ..serve::Limits::default()
    };
    let daemon = Daemon::start(one, engine::Limits::default());
    let first = daemon.client().await;
    let mut second = Box::pin(daemon.client());
    let waits = tokio::time::timeout(SHORT, &mut second).await;
    assert!(waits.is_err(), "the second client was accepted");
    first.call(GetStatus).await.unwrap();
    drop(first);
    second.await.call(GetStatus).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_finishes_running_requests() {
    let daemon = Daemon::start(serve::Limits::default(), engine::Limits::default());
    let client = Arc::new(daemon.client().await);
    let idle = daemon.client().await;
    let running = Arc::clone(&client);
    let running = tokio::spawn(async move { running.call(texts(&["…"])).await });
    wait_for_pending_texts(&client, 1).await;
    daemon.service.stop();
    let removed = || async { !daemon.endpoint.path().exists() };
    poll_until(removed).await;
    assert!(UnixStream::connect(daemon.endpoint.path()).is_err());
    assert!(
        !daemon.serving.is_finished(),
        "it did not wait for the request"
    );
    daemon.proceed.send(()).unwrap();
    assert_eq!(running.await.unwrap().unwrap().result.len(), 1);
    daemon.serving.await.unwrap();
    assert!(matches!(
        idle.call(GetStatus).await,
        Err(ClientError::NotRunning(_))
    ));
}

#[tokio::test]
async fn a_model_that_cannot_be_loaded_changes_nothing() {
    let daemon = Daemon::start(serve::Limits::default(), engine::Limits::default());
    let client = daemon.client().await;
    match client
        .call(UseModel {
            model: "another".to_owned(),
        })
        .await
    {
        Err(ClientError::Refused(error)) => {
            assert_eq!(error.code, ErrorCode::Model);
            assert_eq!(error.message, "unknown model another");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(client.call(GetStatus).await.unwrap().model.id, "stand-in");
}
